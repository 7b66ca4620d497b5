//! The Kafka adapter: librdkafka behind the engine's inputs and outputs.

pub(crate) mod native;
