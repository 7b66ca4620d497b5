//! Effects: what the engine asks the outside to change.
//!
//! A commit, and later a dead letter, a transaction or a database claim, all leave the same way:
//! an id, the terms that it concerns (one effect may span partitions), and an answer per term that
//! is done, refused or unknown. The engine never assumes one of the three.

use crate::{Position, Term, TopicPartition};

/// Names one effect of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub u64);

/// A change that the shell makes for the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Store these positions in the group, in one request.
    Commit(Vec<CommitPosition>),
    /// Go on reading one partition elsewhere. Until the answer, nothing that was read counts.
    Seek {
        /// The new term.
        term: Term,
        /// The term that it replaces.
        old: Term,
        /// The partition.
        partition: TopicPartition,
        /// Where to go on.
        position: Position,
        /// Why.
        reason: SeekReason,
    },
}

/// Why a partition goes on elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekReason {
    /// The application asked for it.
    Requested,
    /// The position lay outside the log, and the configured policy says to go on.
    Reset,
}

/// One partition's part of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPosition {
    /// The term that commits.
    pub term: Term,
    /// The partition.
    pub partition: TopicPartition,
    /// The first record that is not covered.
    pub position: Position,
    /// The leader epoch of the last covered record (KIP-320), so that a log that was cut is
    /// noticed at the next start.
    pub leader_epoch: Option<i32>,
}
