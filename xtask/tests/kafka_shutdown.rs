//! Against Apache Kafka: shutdown.
