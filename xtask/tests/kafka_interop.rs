//! Against Apache Kafka: interop.
