//! What the engine's thread tells of itself while it works.
//!
//! Histories and assignment events are made from it. Steps come in the order of inputs and outputs,
//! each before its consequence can be seen by anybody else: a commit is told before it is sent, a
//! delivery before a handler can start.

use surefoot_core::{
    CommitPosition, Deliver, EffectId, Offset, Outcome, PauseReason, Position, SkipReason,
    StartReason, Term, TopicPartition,
};

use crate::record::Record;

/// Called on the engine's thread for everything that is observed; it must not wait for long.
pub(crate) type Observer = Box<dyn FnMut(&Observed<'_>) + Send>;

/// The observer, if there is one.
pub(super) struct Watch(pub(super) Option<Observer>);

impl Watch {
    pub(super) fn tell(&mut self, observed: &Observed<'_>) {
        if let Some(observer) = &mut self.0 {
            observer(observed);
        }
    }
}

/// One step of the engine's thread.
#[derive(Debug)]
pub(crate) enum Observed<'a> {
    /// A partition was assigned.
    Assigned { term: Term, partition: &'a TopicPartition },
    /// Where the term starts to read is known.
    StartKnown {
        term: Term,
        partition: &'a TopicPartition,
        position: Position,
        /// What the group had stored.
        committed: Option<Position>,
        why: StartedBy,
        topic_id: Option<[u8; 16]>,
    },
    /// Records were read and are tracked from here on.
    Delivered {
        term: Term,
        partition: &'a TopicPartition,
        first: Offset,
        last: Offset,
        count: usize,
    },
    /// A handler's call was decided: it begins when its work arrives. A batch has all its records.
    Started { deliver: &'a Deliver, records: &'a [Record] },
    /// Records were passed over by an explicit decision.
    Skipped {
        term: Term,
        partition: &'a TopicPartition,
        from: Position,
        to: Position,
        why: SkipReason,
    },
    /// A commit is about to be sent.
    CommitSent { effect: EffectId, positions: &'a [CommitPosition] },
    /// A commit's outcome, for the terms named in it.
    CommitEnded {
        effect: EffectId,
        positions: &'a [CommitPosition],
        outcomes: &'a [(Term, Outcome<()>)],
    },
    /// The group asks for the partition; it is still owned.
    Revoking { term: Term, partition: &'a TopicPartition },
    /// The partition was given up.
    Revoked { term: Term, partition: &'a TopicPartition },
    /// The partition is gone; somebody else may have had it for a while.
    Lost { term: Term, partition: &'a TopicPartition },
    /// A pause reason was set.
    Paused { term: Term, partition: &'a TopicPartition, reason: PauseReason },
    /// A pause reason was taken away.
    Resumed { term: Term, partition: &'a TopicPartition, reason: PauseReason },
    /// The application moved the position: one term ends and another begins.
    Sought {
        term: Term,
        new_term: Term,
        partition: &'a TopicPartition,
        /// Absent while it is being looked up.
        position: Option<Position>,
    },
    /// A policy moved the position.
    Reset { term: Term, partition: &'a TopicPartition, from: Position, to: Position },
    /// The group was left.
    Left,
}

/// What decided where a term starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartedBy {
    /// The engine's start policy, or what the group stores.
    Start(StartReason),
    /// A seek.
    Seek,
}
