//! One line of a member's history, as far as the harness looks at it.
//!
//! The format is docs/history.md. It is read here a third time, besides the library that writes it
//! and the judge: the harness decides by these lines when to kill, and must not link either.

use serde::Deserialize;

/// A line of `member`'s incarnation `incarnation`; which fields are there depends on the event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Whose history it is; from the file's name.
    #[serde(skip)]
    pub member: String,
    /// Which process of that member; from the file's name.
    #[serde(skip)]
    pub incarnation: u32,
    /// Microseconds since the epoch.
    pub at: u64,
    /// What happened.
    pub event: String,
    /// Whose partition.
    pub topic: String,
    /// Which partition.
    pub partition: i32,
    /// Which assignment of it.
    pub term: u64,
    /// The record, or a batch's first.
    pub offset: i64,
    /// The record's key.
    pub key: Option<String>,
    /// A batch's last record.
    pub last: Option<i64>,
    /// How a handler call ended.
    pub result: Option<String>,
    /// What a member found committed.
    pub committed: Option<i64>,
    /// A commit's id.
    pub commit: u64,
    /// What a commit asks for.
    pub positions: Vec<CommitPosition>,
    /// What became of a commit.
    pub results: Vec<CommitResult>,
    /// The exit code.
    pub code: i32,
    /// Why a process ended.
    pub why: String,
}

/// A position that is about to be committed.
#[derive(Clone, Debug, Deserialize)]
pub struct CommitPosition {
    /// Whose partition.
    pub topic: String,
    /// Which partition.
    pub partition: i32,
    /// The next offset to read.
    pub position: i64,
}

/// What became of a position.
#[derive(Clone, Debug, Deserialize)]
pub struct CommitResult {
    /// Whose partition.
    pub topic: String,
    /// Which partition.
    pub partition: i32,
    /// The next offset to read.
    pub position: i64,
    /// `done`, `refused` or `unknown`.
    pub outcome: String,
}
