//! The Kafka adapter: librdkafka behind the engine's inputs and outputs.

pub(crate) mod native;
pub(crate) mod settings;
pub(crate) mod verdict;
