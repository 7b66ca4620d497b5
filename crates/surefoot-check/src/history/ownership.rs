//! Ownership of partitions: terms begin, learn where they start, are asked back, are given up or
//! lost.
//!
//! A term is one assignment of one partition to one incarnation. The two steps of a revocation
//! matter: between `revoking` and `revoked` the member still owns the partition and may commit;
//! after `lost` it never did. A seek ends the term without giving up the partition and begins the
//! next one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A partition was assigned; its start is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The new term; higher than every earlier term of this partition in this incarnation.
    pub term: u64,
}

/// Where a term starts to read, and why there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartKnown {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term.
    pub term: u64,
    /// The first offset that may be delivered.
    pub position: i64,
    /// What the group had committed, as the coordinator told it; absent or null when nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<i64>,
    /// What decided the position.
    pub reason: StartReason,
    /// Kafka's id of the topic, where the client knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<Arc<str>>,
}

/// What decided where a term starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartReason {
    /// The group's committed offset.
    Committed,
    /// Nothing was committed; the start policy says the beginning of the log.
    Earliest,
    /// Nothing was committed; the start policy says the end of the log.
    Latest,
    /// Nothing was committed; the start policy says a time.
    Timestamp,
    /// Nothing was committed; the start policy says an offset.
    Fixed,
    /// A seek ended the term before.
    Seek,
    /// A reset: a `reset` line of the same term names the old and the new offset.
    Reset,
}

/// A partition in a term: asked back (`revoking`), given up (`revoked`) or gone (`lost`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionTerm {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term.
    pub term: u64,
}

/// The application moved the position: `term` ends, `new_term` begins on the same assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seek {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term that ends.
    pub term: u64,
    /// The term that begins; no `assigned` line is written for it.
    pub new_term: u64,
    /// Where to; absent or null while it must be looked up (a time, an end of the log). The
    /// `start_known` line of `new_term` has the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
}

/// A policy moved the position without the application asking: the only other way than a seek.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term in which it happens, before or after its `start_known`.
    pub term: u64,
    /// The position that could not be used.
    pub from: i64,
    /// The position used instead.
    pub to: i64,
    /// The policy and what it met, in words.
    pub why: Box<str>,
}
