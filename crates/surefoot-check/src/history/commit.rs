//! Commits as the member saw them, and commits as the coordinator applied them.
//!
//! A member knows three outcomes: done, refused, unknown. What the coordinator applied is a
//! different fact, known from the dump of `__consumer_offsets` or from a model of it (`applied`). A
//! commit is judged by what was true when it was sent, so `commit_sent` is written before the
//! request leaves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A commit request is about to be sent. A commit that is sent again keeps its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitSent {
    /// Id of the commit, unique in the incarnation.
    pub commit: u64,
    /// What it asks for.
    pub positions: Vec<CommitPosition>,
}

/// One partition's part of a commit request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitPosition {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term on whose behalf it is committed.
    pub term: u64,
    /// First offset that is not covered.
    pub position: i64,
}

/// The outcome of a commit is known, or known to stay unknown. May come in several lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitEnded {
    /// Id of the commit.
    pub commit: u64,
    /// The outcome of each partition.
    pub results: Vec<CommitResult>,
}

/// One partition's outcome of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitResult {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The position that was asked for.
    pub position: i64,
    /// The outcome.
    pub outcome: CommitOutcome,
    /// The error, in words or as Kafka's name of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
}

/// What a member knows about a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitOutcome {
    /// The coordinator acknowledged it.
    Done,
    /// It was certainly not applied.
    Refused,
    /// It may have been applied, or may be applied later.
    Unknown,
}

/// The coordinator stored a committed position. Only a model of the group can write this event; for
/// a real cluster the dump of `__consumer_offsets` says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The stored position; absent or null when it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// Whose commit it was, where the model knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Arc<str>>,
    /// Which incarnation's commit it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<u32>,
    /// Id of the commit in that incarnation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<u64>,
    /// Id of the topic for which it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<Arc<str>>,
}
