//! Against Apache Kafka: rebalance.
