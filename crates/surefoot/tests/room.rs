//! The engine room against Apache Kafka: engine and client together, without handlers' futures.
//!
//! Needs a broker at `SUREFOOT_KAFKA` (bootstrap servers). Each test has its own topic and group.
//! The room is compiled into this test, so that it stays private to the library.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]
#![allow(dead_code, unused_imports, unreachable_pub, reason = "what only the public face uses")]

#[path = "../src"]
mod library {
    pub(crate) mod kafka;
    pub(crate) mod lag;
    pub(crate) mod link;
    pub(crate) mod payloads;
    pub(crate) mod record;
    pub(crate) mod room;
    pub(crate) mod snapshot;
}
use library::{kafka, lag, link, payloads, record, room, snapshot};

#[path = "native_client/broker.rs"]
mod broker;
#[path = "room/change.rs"]
mod change;
#[path = "room/member.rs"]
mod member;

#[path = "room/control.rs"]
mod control;
#[path = "room/life.rs"]
mod life;
#[path = "room/rebalance.rs"]
mod rebalance;
#[path = "room/start.rs"]
mod start;
