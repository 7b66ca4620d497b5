//! Against Apache Kafka: long_handler.
