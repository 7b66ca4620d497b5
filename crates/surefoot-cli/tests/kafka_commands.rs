//! The command line against Apache Kafka: what it says it did is what the log holds.
//!
//! Needs a broker at `SUREFOOT_KAFKA`, and one with SASL/PLAIN and ACLs at `SUREFOOT_KAFKA_SECURE`.
//! Each test runs the binary and has topics and groups of its own.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

#[path = "kafka_commands/acl.rs"]
mod acl;
#[path = "kafka_commands/log.rs"]
mod log;
#[path = "kafka_commands/program.rs"]
mod program;

#[path = "kafka_commands/consume.rs"]
mod consume;
#[path = "kafka_commands/group.rs"]
mod group;
#[path = "kafka_commands/offsets.rs"]
mod offsets;
#[path = "kafka_commands/produce.rs"]
mod produce;
#[path = "kafka_commands/refusals.rs"]
mod refusals;
#[path = "kafka_commands/topics.rs"]
mod topics;
