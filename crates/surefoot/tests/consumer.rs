//! The library as an application uses it, against Apache Kafka.
//!
//! Needs a broker at `SUREFOOT_KAFKA` (bootstrap servers). Each test has its own topic and group.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

#[allow(dead_code, reason = "shared with the tests of the native client")]
#[path = "native_client/broker.rs"]
mod broker;
#[path = "consumer/setup.rs"]
mod setup;

#[path = "consumer/batches.rs"]
mod batches;
#[path = "consumer/control.rs"]
mod control;
#[path = "consumer/ends.rs"]
mod ends;
#[path = "consumer/streams.rs"]
mod streams;
