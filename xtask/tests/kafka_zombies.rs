//! Against Apache Kafka: zombies.
