//! Against Apache Kafka: bad_input.
