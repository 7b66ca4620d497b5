//! The native client against Apache Kafka: what the driver builds on, seen to hold.
//!
//! Needs a broker at `SUREFOOT_KAFKA` (bootstrap servers). Each test has its own topic and group.
//! The module is compiled into this test, so that its unsafe code stays private to the library.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

#[expect(dead_code, unused_imports, reason = "what only the driver uses")]
#[path = "../src/kafka"]
mod kafka {
    pub(crate) mod native;
}
use kafka::native;

#[path = "native_client/broker.rs"]
mod broker;
#[path = "native_client/member.rs"]
mod member;

#[path = "native_client/end.rs"]
mod end;
#[path = "native_client/reading.rs"]
mod reading;
#[path = "native_client/rebalance.rs"]
mod rebalance;
#[path = "native_client/requests.rs"]
mod requests;
