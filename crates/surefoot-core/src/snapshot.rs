//! What the engine holds right now, for people: who has what, and what holds a commit back.
//!
//! A snapshot is a copy. It answers the question of a stuck group: which record keeps the frontier
//! where it is, in which state, and for how long.

use std::time::Duration;

use crate::{Attempt, Counters, Offset, PauseReason, Position, Term, TopicPartition};

/// A copy of the engine's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The partitions held, in order.
    pub partitions: Vec<PartitionSnapshot>,
    /// Deliveries that run.
    pub in_flight: usize,
    /// Records that were read and did not end.
    pub buffered_records: u64,
    /// Their bytes.
    pub buffered_bytes: u64,
    /// What happened since the engine was made.
    pub counters: Counters,
    /// Whether the engine is stopping.
    pub stopping: bool,
}

/// One partition of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionSnapshot {
    /// The partition.
    pub partition: TopicPartition,
    /// Its current term.
    pub term: Term,
    /// What it is doing.
    pub phase: Phase,
    /// The position that is known to be committed.
    pub committed: Option<Position>,
    /// The position that may be committed; `None` before the start is known.
    pub frontier: Option<Position>,
    /// The next offset to read; `None` before the start is known.
    pub position: Option<Position>,
    /// Deliveries of this term that run.
    pub in_flight: u64,
    /// Records that were read, and neither run nor ended.
    pub buffered: u64,
    /// Records above the frontier that are finished.
    pub finished_above_frontier: u64,
    /// Why it does not flow; empty if it does.
    pub paused: Vec<PauseReason>,
    /// The record that keeps the frontier where it is; `None` when nothing is unfinished.
    pub head_of_line: Option<HeadOfLine>,
    /// How long the commit in flight has been unanswered.
    pub commit_unanswered_for: Option<Duration>,
    /// The commits that failed in a row.
    pub commit_failures: u32,
}

/// The phase of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its start is being looked up.
    FindingStart,
    /// It waits for the client to seek.
    Seeking,
    /// It reads.
    Active,
    /// It takes no new work and finishes what runs.
    Draining,
    /// It is lost and waits for a commit to be settled.
    Lost,
    /// It cannot be read.
    Failed,
}

/// The record at the frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadOfLine {
    /// Its offset.
    pub offset: Offset,
    /// What it waits for.
    pub state: HeadState,
    /// How long it has been there since it was read, or started if it runs.
    pub for_time: Duration,
}

/// What the record at the frontier is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadState {
    /// It was read and waits for a free place, a pause to end, its commit (at-most-once), or its
    /// lane.
    Buffered,
    /// It waits for a record of its lane that runs under a term that is over.
    BehindOldTerm,
    /// Its handler runs.
    Running {
        /// Which attempt.
        attempt: Attempt,
    },
    /// Its handler failed.
    Failed,
}
