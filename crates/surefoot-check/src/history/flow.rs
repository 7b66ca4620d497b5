//! Flow control: pauses with their reasons, fill levels, and results that came too late.
//!
//! A partition is paused while it has at least one reason. Reasons differ in what they stop:
//! `user`, `breaker` and `drain` stop handler calls, the others only stop fetching (what is
//! buffered must flow, or the pause would never end), and `retry` holds back fetching while a
//! record waits.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A pause reason was set (`paused`) or taken away (`resumed`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term; a reason ends with its term without a `resumed` line.
    pub term: u64,
    /// The reason.
    pub reason: PauseReason,
}

/// Why a partition is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The application asked for it.
    User,
    /// A budget is used up.
    Backpressure,
    /// Too much is finished and not committed, because commits fail.
    Uncommitted,
    /// A record waits for its next attempt.
    Retry,
    /// Failures look like the environment.
    Breaker,
    /// The partition or the process is on its way out.
    Drain,
}

/// Fill levels of a member at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauge {
    /// Handler calls that run.
    pub running: u64,
    /// Records fetched and not handed to a handler.
    pub buffered_records: u64,
    /// Their size.
    pub buffered_bytes: u64,
}

/// A result arrived after its term had ended. Written where the whole state of the partition can be
/// compared, in a simulation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term that had ended.
    pub term: u64,
    /// The record.
    pub offset: i64,
    /// Hash of the partition's state before the result was taken in.
    pub before: u64,
    /// Hash of the partition's state after.
    pub after: u64,
}
