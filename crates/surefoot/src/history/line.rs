//! The lines that a member writes, field by field as docs/history.md has them.
//!
//! They are written here and read by the judge from types of its own: a shared type would hide a
//! field that both get wrong.

use std::num::NonZeroUsize;

use serde::Serialize;

/// One line; its name in the file is the variant's in snake case.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    Begin(Begin),
    Assigned(Assigned<'a>),
    StartKnown(StartKnown<'a>),
    Revoking(PartitionTerm<'a>),
    Revoked(PartitionTerm<'a>),
    Lost(PartitionTerm<'a>),
    Seek(Seek<'a>),
    Reset(Reset<'a>),
    Delivered(Delivered<'a>),
    Started(Started<'a>),
    Ended(&'a Ended<'a>),
    Skipped(Skipped<'a>),
    CommitSent(CommitSent<'a>),
    CommitEnded(CommitEnded<'a>),
    Paused(Pause<'a>),
    Resumed(Pause<'a>),
    Signal(Signal),
    Left(Left),
    Exited(Exited),
}

/// Who writes, and what it was told to do.
#[derive(Debug, Serialize)]
pub(crate) struct Begin {
    pub(crate) format: u32,
    pub(crate) member: String,
    pub(crate) incarnation: u32,
    pub(crate) group: String,
    pub(crate) guarantee: GuaranteeName,
    pub(crate) processing_order: OrderName,
    pub(crate) topics: Vec<String>,
    pub(crate) window: u64,
    pub(crate) max_in_flight: NonZeroUsize,
    pub(crate) max_buffered_bytes: NonZeroUsize,
    pub(crate) drain_deadline_ms: u64,
    pub(crate) pid: u32,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GuaranteeName {
    AtMostOnce,
    AtLeastOnce,
    Manual,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OrderName {
    Partition,
    Key,
    Unordered,
}

#[derive(Debug, Serialize)]
pub(crate) struct Assigned<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct StartKnown<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) position: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) committed: Option<i64>,
    pub(crate) reason: StartName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) topic_id: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StartName {
    Committed,
    Earliest,
    Latest,
    Timestamp,
    Fixed,
    Seek,
    Reset,
}

#[derive(Debug, Serialize)]
pub(crate) struct PartitionTerm<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Seek<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) new_term: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Reset<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) why: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Delivered<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) count: u64,
}

/// Of a batch also `last` and `count`; of a record its key.
#[derive(Debug, Serialize)]
pub(crate) struct Started<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) offset: i64,
    pub(crate) attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Ended<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) offset: i64,
    pub(crate) attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    pub(crate) result: EndResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndResult {
    Ok,
    Error,
    Panic,
    Cancelled,
}

#[derive(Debug, Serialize)]
pub(crate) struct Skipped<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<i64>,
    pub(crate) why: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct CommitSent<'a> {
    pub(crate) commit: u64,
    pub(crate) positions: Vec<CommitPosition<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CommitPosition<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) position: i64,
}

#[derive(Debug, Serialize)]
pub(crate) struct CommitEnded<'a> {
    pub(crate) commit: u64,
    pub(crate) results: Vec<CommitResult<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CommitResult<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) position: i64,
    pub(crate) outcome: CommitOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CommitOutcome {
    Done,
    Refused,
    Unknown,
}

#[derive(Debug, Serialize)]
pub(crate) struct Pause<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: u64,
    pub(crate) reason: PauseName,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PauseName {
    User,
    Backpressure,
    Drain,
}

#[derive(Debug, Serialize)]
pub(crate) struct Signal {
    pub(crate) number: i32,
    pub(crate) nth: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct Left {}

#[derive(Debug, Serialize)]
pub(crate) struct Exited {
    pub(crate) code: i32,
    pub(crate) why: String,
    pub(crate) unfinished: u64,
}
