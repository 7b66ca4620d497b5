//! Everything that can happen to the engine.
//!
//! One closed enum, so that a run is a list that can be stored and replayed. Inputs may come late,
//! twice, or for a term that is over: the engine counts and drops those. Outcomes from outside
//! have three values, because a request that timed out is neither done nor refused.

use std::time::Duration;

use crate::effect::EffectId;
use crate::{Attempt, Offset, Position, Term, TopicPartition};

/// One thing that happened outside the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The group assigned these partitions, in addition to those held.
    Assigned(Vec<TopicPartition>),
    /// The group asks for these partitions back. The engine answers with
    /// [`Output::Release`](crate::Output::Release) when it has let go of them.
    Revoked(Vec<TopicPartition>),
    /// These partitions are gone already: commits for them would be refused. The engine still
    /// answers with [`Output::Release`](crate::Output::Release), once no commit of theirs is
    /// unresolved.
    Lost(Vec<TopicPartition>),
    /// Answers [`Output::FindStart`](crate::Output::FindStart).
    StartFound {
        /// The term that asked.
        term: Term,
        /// What was found, or why not.
        outcome: Outcome<StartFacts>,
    },
    /// Records were read.
    Fetched {
        /// The term under which they were read.
        term: Term,
        /// The records, in the partition's order.
        batch: Fetched,
    },
    /// Reading reached the partition's end: there is no record below `position` that was not
    /// fetched. It lies behind trailing transaction markers and compaction gaps.
    EndReached {
        /// The term under which it was read.
        term: Term,
        /// The position at the end.
        position: Position,
    },
    /// Reading a partition failed for good; other partitions go on.
    FetchFailed {
        /// The term under which it was read.
        term: Term,
        /// Why.
        failure: FetchFailure,
    },
    /// A handler's work on the records `first..=last` of a delivery ended.
    ///
    /// A batch may end in pieces, in any order; each record ends once.
    Finished {
        /// The term of the delivery.
        term: Term,
        /// The first record that ended.
        first: Offset,
        /// The last record that ended; equal to `first` for one record.
        last: Offset,
        /// The attempt of the delivery.
        attempt: Attempt,
        /// How it ended.
        outcome: HandlerOutcome,
    },
    /// An effect ended, for some or all of its terms.
    EffectEnded {
        /// Which effect.
        effect: EffectId,
        /// The outcome for each term that it named.
        outcomes: Vec<(Term, Outcome<()>)>,
    },
    /// The application asks for something; the engine answers with
    /// [`Output::Answer`](crate::Output::Answer) under the same id.
    Control {
        /// The shell's number of the request.
        id: ControlId,
        /// What is asked for.
        request: Control,
    },
    /// Take no new work, finish what runs, commit, and report
    /// [`Output::Stopped`](crate::Output::Stopped) within this time.
    Stop {
        /// From now on; the configured drain deadline if absent.
        deadline: Option<Duration>,
    },
    /// Stop at once: commit nothing more and wait for nothing.
    Abort,
}

/// How a request to the outside ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It happened.
    Done(T),
    /// It did not happen and will not.
    Refused(Refusal),
    /// It may or may not have happened, or may still.
    Unknown,
}

/// Why a request was refused, by what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The group moved on without this member: `ILLEGAL_GENERATION`, `UNKNOWN_MEMBER_ID`,
    /// `FENCED_MEMBER_EPOCH`. The term can commit nothing any more.
    Fenced,
    /// The group is rebalancing: `REBALANCE_IN_PROGRESS`, `STALE_MEMBER_EPOCH`. The same request
    /// may be made again in the same term.
    Rebalancing,
    /// The coordinator or the log is not available now. Make the request again later.
    Unavailable,
    /// The group or the topic may not be used by this principal.
    Unauthorized,
    /// Another process uses this `group.instance.id`: `FENCED_INSTANCE_ID`.
    InstanceFenced,
    /// The broker refuses this request whenever it is made.
    Invalid,
}

/// What is known of a partition before its first fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFacts {
    /// What the group stores for the partition.
    pub committed: Option<Committed>,
    /// Whether the partition was added to its topic after this consumer first looked at it. Its
    /// records are new then, whatever a policy says of those that were there before.
    pub added_later: bool,
    /// The first offset that the log still has.
    pub log_start: Position,
    /// The end of what may be read: the last stable offset under read committed.
    pub log_end: Position,
    /// The end of the log, stable or not. A committed offset above it was cut off.
    pub high_watermark: Position,
    /// The position that a timestamp was resolved to, when one was asked for. `None` when no
    /// record is that young.
    pub at_time: Option<Position>,
    /// The topic's id (KIP-516), where the broker tells it.
    pub topic_id: Option<[u8; 16]>,
    /// Ranges of offsets at or above the start that are finished already.
    pub done_above: Vec<(Offset, Offset)>,
}

/// A committed position as the group coordinator stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The position.
    pub position: Position,
    /// The leader epoch stored beside it (KIP-320).
    pub leader_epoch: Option<i32>,
    /// The metadata stored beside it.
    pub metadata: Option<String>,
}

/// Records that were read from one partition in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The records; offsets rise, and may leave gaps.
    pub records: Vec<RecordMeta>,
    /// The leader epoch of the last record, for the commit (KIP-320).
    pub leader_epoch: Option<i32>,
    /// What the shell keeps the whole batch under, for batch deliveries.
    pub token: Token,
}

/// What the engine knows of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordMeta {
    /// Its offset.
    pub offset: Offset,
    /// The hash of its key; `None` without a key.
    pub key: Option<KeyHash>,
    /// Memory that it takes, in bytes.
    pub bytes: u32,
    /// What the shell keeps it under, for record deliveries.
    pub token: Token,
}

/// A 64-bit hash of a record's key. Records whose keys collide share a lane, which costs
/// parallelism and never order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u64);

/// The shell's name for a payload that it keeps while the engine decides. Handed back exactly
/// once, by [`Output::Deliver`](crate::Output::Deliver) or
/// [`Output::Discard`](crate::Output::Discard).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u32);

/// How a handler's work on a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerOutcome {
    /// The record is handled.
    Done,
    /// The handler returned an error, or the delivery was dropped without an answer.
    Failed,
    /// The handler panicked.
    Panicked,
    /// The handler stopped early because its delivery was cancelled; the record is as before.
    Cancelled,
}

/// Why a partition cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FetchFailure {
    /// The position is outside the log: retention passed it, or the log was cut.
    OutOfRange,
    /// The topic may not be read by this principal.
    Unauthorized,
    /// The topic or partition is gone.
    Gone,
    /// A batch is damaged, or a record cannot be read.
    Corrupt,
}

/// The shell's number of a request from the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlId(pub u64);

/// What an application asks a running consumer for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Commit the frontier of these partitions now; of all held ones if empty.
    Commit(Vec<TopicPartition>),
    /// Commit these positions. Records between the frontier and the position become skips; the
    /// request is refused while one of them runs, or below the committed position.
    CommitAt(Vec<(TopicPartition, Position)>),
    /// Begin a new term at this place.
    Seek(TopicPartition, SeekTo),
    /// Start nothing on these partitions until they are resumed. A topic's name with an empty
    /// list of partitions is the shell's to expand.
    Pause(Vec<TopicPartition>),
    /// Undo [`Control::Pause`].
    Resume(Vec<TopicPartition>),
}

/// Where to go on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTo {
    /// At this position.
    Position(Position),
    /// At the first offset that the log has.
    Beginning,
    /// Behind the last record that may be read.
    End,
    /// At the first record at or after this time (milliseconds since the Unix epoch), or at the
    /// end if there is none.
    Timestamp(i64),
}
