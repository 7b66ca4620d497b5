//! Against Apache Kafka: flights.
