//! Everything that the engine decides.
//!
//! The shell takes outputs until there are none, after every input and timeout, and does them in
//! this order. It may die between any two.

use crate::effect::{Effect, EffectId};
use crate::input::{ControlId, FetchFailure, Token};
use crate::{Attempt, Offset, Position, Term, TopicPartition};

/// One decision of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Find out where `partition` starts: its committed offset and metadata, whether the topic has
    /// commits, the ends of its log, and the position of a timestamp if one is given. Asked again
    /// until answered with [`Outcome::Done`](crate::Outcome::Done).
    FindStart {
        /// The term that begins.
        term: Term,
        /// The partition.
        partition: TopicPartition,
        /// A timestamp to resolve, in milliseconds since the Unix epoch.
        timestamp: Option<i64>,
    },
    /// Begin to read at `position`; every record read from here on carries `term`.
    StartFetching {
        /// The term.
        term: Term,
        /// The partition.
        partition: TopicPartition,
        /// Where to begin.
        position: Position,
        /// The leader epoch that was committed with it (KIP-320).
        leader_epoch: Option<i32>,
        /// How the position was chosen.
        reason: StartReason,
    },
    /// Hand records to a handler.
    Deliver(Deliver),
    /// Forget a payload: its record will not be delivered.
    Discard(Token),
    /// Do not read the partition until [`Output::Resume`]. What was read before still counts.
    Pause {
        /// The term.
        term: Term,
        /// Why; the partition flows when it has no reason left.
        reason: PauseReason,
    },
    /// One reason to pause is gone; read again when `flowing`.
    Resume {
        /// The term.
        term: Term,
        /// The reason that is gone.
        reason: PauseReason,
        /// Whether it was the last.
        flowing: bool,
    },
    /// Records were passed over by an explicit decision.
    Skipped {
        /// The term.
        term: Term,
        /// The first position that is passed over.
        from: Position,
        /// The first position that is not.
        to: Position,
        /// Why.
        reason: SkipReason,
    },
    /// Make this change and answer with [`Input::EffectEnded`](crate::Input::EffectEnded).
    Effect {
        /// Its id.
        id: EffectId,
        /// What to change.
        effect: Effect,
    },
    /// What still runs under this term is no longer wanted: tell the handlers. Their answers no
    /// longer count.
    Cancel {
        /// The term that ended or is about to.
        term: Term,
    },
    /// The engine let go of these partitions: answer the revocation or the loss.
    Release(Vec<Released>),
    /// A commit could not be settled in time. The client must be closed and made anew: a commit
    /// that it still holds could be sent under a generation that it was not made for. Every
    /// partition is lost when this is returned.
    Renew,
    /// Answers [`Input::Control`](crate::Input::Control).
    Answer {
        /// The request's number.
        id: ControlId,
        /// The answer.
        answer: Answer,
    },
    /// The engine is at rest for good; leave the group. No output follows.
    Stopped(Stopped),
}

/// A delivery: one or more records of one partition for one call of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// The term.
    pub term: Term,
    /// The first record.
    pub first: Offset,
    /// The last record; equal to `first` for one.
    pub last: Offset,
    /// How many records.
    pub count: u32,
    /// Which attempt.
    pub attempt: Attempt,
    /// The payload: a record's or a batch's token, as it came in.
    pub token: Token,
}

/// A partition that the engine let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// The term that is over.
    pub term: Term,
    /// The partition.
    pub partition: TopicPartition,
    /// Records whose handlers still ran, or that were committed ahead and not started.
    pub unfinished: u64,
}

/// How a start was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartReason {
    /// The group's committed offset.
    Committed,
    /// No committed offset: the configured policy.
    Policy,
    /// No committed offset, and the partition was added to its topic while this consumer ran: it
    /// begins at its first record whatever the policy says.
    NewPartition,
    /// The committed offset lay outside the log, and the configured policy says to go on here.
    Reset {
        /// The position that was committed.
        from: Position,
    },
}

/// Why a partition does not flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PauseReason {
    /// The application paused it.
    User,
    /// As much is buffered as the budget allows.
    Backpressure,
    /// Too much is finished and not committed: commits fail.
    Uncommitted,
    /// It is being given back, or the consumer stops.
    Drain,
}

/// Why records were passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// The application committed a position above them.
    CommitAt,
    /// The application sought past them.
    Seek,
    /// Retention deleted them before they were read, and the policy is to go on.
    Retention,
    /// The group's metadata says that they are finished.
    DoneBefore,
}

/// The answer to a request from the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The group stores what was asked for, or more.
    Committed,
    /// The request was done, or had nothing to do.
    Accepted,
    /// A partition's term ended before the request did. Its next owner decides.
    TermEnded,
    /// The request may or may not have happened.
    Unknown,
    /// The request cannot be done.
    Refused(ControlRefusal),
}

/// Why a request from the application is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlRefusal {
    /// The partition is not assigned to this member, or does not know its start yet.
    NotAssigned(TopicPartition),
    /// A record that would be skipped is being handled.
    Running(TopicPartition, Offset),
    /// The position lies below the committed one: that is a reset, not a commit.
    BelowCommitted(TopicPartition, Position),
    /// The position lies above everything that was read.
    AboveRead(TopicPartition, Position),
    /// The broker refuses the commit.
    Broker(TopicPartition, crate::Refusal),
    /// The consumer is stopping.
    Stopping,
}

/// How the engine came to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Why it stopped.
    pub reason: StopReason,
    /// What was not finished and committed; empty after a clean stop.
    pub unfinished: Vec<Unfinished>,
}

/// A partition that a stop left with something undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The partition.
    pub partition: TopicPartition,
    /// Records that still run.
    pub running: u64,
    /// The frontier.
    pub frontier: Position,
    /// The committed position, as far as it is known.
    pub committed: Option<Position>,
}

/// Why the engine stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It was asked to.
    Requested,
    /// It was asked to stop at once.
    Aborted,
    /// A handler failed.
    HandlerFailed {
        /// The partition.
        partition: TopicPartition,
        /// The record.
        offset: Offset,
        /// Whether it panicked.
        panicked: bool,
    },
    /// A partition cannot be read, and the policy is to stop.
    FetchFailed {
        /// The partition.
        partition: TopicPartition,
        /// The position.
        position: Position,
        /// Why.
        failure: FetchFailure,
    },
    /// No committed offset, or one outside the log, and the policy is to stop.
    NoStart {
        /// The partition.
        partition: TopicPartition,
        /// What is wrong with the start.
        problem: StartProblem,
    },
    /// The group may not be used, or another process has this member's `group.instance.id`.
    Refused {
        /// The partition that noticed.
        partition: TopicPartition,
        /// The refusal.
        refusal: crate::Refusal,
    },
}

/// What is wrong with a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartProblem {
    /// The group has no committed offset and the policy is to fail.
    NoCommittedOffset,
    /// This consumer saw a committed offset before, and now there is none.
    Vanished {
        /// The position that was last known to be committed.
        known: Position,
    },
    /// Retention deleted records that were not read.
    BelowLogStart {
        /// The committed position.
        committed: Position,
        /// The first offset that the log still has.
        log_start: Position,
    },
    /// The log ends before the committed position: it was cut or made anew.
    AboveLogEnd {
        /// The committed position.
        committed: Position,
        /// The end of the log.
        log_end: Position,
    },
    /// The topic's id changed: it was deleted and created again.
    Recreated,
}
