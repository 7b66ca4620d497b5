//! The partitions that the group gave to this member, and what the client does with each.
//!
//! The engine and the client disagree about a partition for a while, in both directions: it is
//! assigned, and not read before its start is known; it is asked back, and read no more, and yet
//! not given up before its last commit is settled. The group's question waits in the client
//! meanwhile, and takes one answer for all partitions that it named, so the answers of the engine
//! are collected here.

use std::collections::BTreeSet;

use surefoot_core::{Position, Term, TopicPartition};

use crate::kafka::native::PartitionQueue;

/// One partition that is assigned.
pub(super) struct Held {
    pub(super) partition: TopicPartition,
    /// The term under which it is read.
    pub(super) term: Term,
    /// The term of a seek under way: what the queue has belongs to a term that is over.
    pub(super) seeking: Option<Term>,
    pub(super) reading: Reading,
    /// Whether the engine has a reason for it not to flow.
    pub(super) paused: bool,
    /// What was found out about its start.
    pub(super) committed: Option<Position>,
    pub(super) topic_id: Option<[u8; 16]>,
    /// It is gone: nobody is told again when the engine lets go of it.
    pub(super) lost: bool,
}

/// What the client does with a partition.
pub(super) enum Reading {
    /// It does not have it yet.
    NotYet,
    /// It reads it.
    From(Reader),
}

/// A partition that the client reads.
pub(super) struct Reader {
    pub(super) queue: PartitionQueue,
    /// Everything below was handed to the engine, or does not exist.
    pub(super) next: Position,
    /// The leader epoch of the last record below `next`.
    pub(super) leader_epoch: Option<i32>,
}

/// A question of the group that waits for its answer.
pub(super) struct Giveback {
    /// What the engine did not let go of yet.
    pub(super) waiting: BTreeSet<TopicPartition>,
    /// What it let go of and the client still has.
    pub(super) unassign: Vec<TopicPartition>,
}

impl Held {
    pub(super) fn new(partition: TopicPartition, term: Term) -> Self {
        Self {
            partition,
            term,
            seeking: None,
            reading: Reading::NotYet,
            paused: false,
            committed: None,
            topic_id: None,
            lost: false,
        }
    }

    /// The reader of a partition that may be read now and may have something.
    pub(super) fn ready(&mut self) -> Option<&mut Reader> {
        match &mut self.reading {
            Reading::From(reader)
                if !self.paused && self.seeking.is_none() && reader.queue.is_ready() =>
            {
                Some(reader)
            }
            _ => None,
        }
    }

    /// A new term begins on the same assignment; `false` if that is known. Pauses of the old one
    /// are over, and those of the new one follow.
    pub(super) fn begin_seek(&mut self, term: Term) -> bool {
        if self.is_of(term) && self.seeking.is_none_or(|seeking| seeking == term) {
            return false;
        }
        self.paused = false;
        self.seeking = Some(term);
        true
    }

    /// Whether this is its term, or the one that a seek under way begins.
    pub(super) fn is_of(&self, term: Term) -> bool {
        self.term == term || self.seeking == Some(term)
    }

    pub(super) fn reader(&mut self) -> Option<&mut Reader> {
        match &mut self.reading {
            Reading::From(reader) => Some(reader),
            Reading::NotYet => None,
        }
    }

    /// Whether the client has it.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.reading, Reading::From(_))
    }
}
