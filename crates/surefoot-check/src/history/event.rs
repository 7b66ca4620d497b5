//! Every event that a history can hold, listed once.
//!
//! The list makes the enum, the names in the files and the reader of a line, so that the three
//! cannot drift apart. Reading is in two steps, name first, because the usual way to read a tagged
//! enum copies each line into a tree of values, and histories have millions of lines.

use std::sync::Arc;

use serde::Serialize;

use super::{
    Applied, Assigned, Begin, CommitEnded, CommitSent, Delivered, Ended, Exited, Gauge, Healed,
    IncarnationName, Left, PartitionTerm, Pause, Produced, Reset, Seek, Signal, Skipped, Stale,
    StartKnown, Started,
};

macro_rules! events {
    ($($(#[doc = $doc:literal])* $variant:ident($payload:ty) = $name:literal,)*) => {
        /// One event. Its name in the files is the variant's name in snake case.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(tag = "event", rename_all = "snake_case")]
        pub enum Event {
            $($(#[doc = $doc])* $variant($payload),)*
        }

        impl Event {
            /// The name in the files, such as `commit_sent`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            /// Reads the fields of the event called `name`; `None` when no event has that name.
            pub(super) fn read(name: &str, json: &str) -> Option<serde_json::Result<Self>> {
                match name {
                    $($name => Some(serde_json::from_str::<$payload>(json).map(Self::$variant)),)*
                    _ => None,
                }
            }
        }
    };
}

events! {
    /// First line of an incarnation.
    Begin(Box<Begin>) = "begin",
    /// A partition was assigned.
    Assigned(Assigned) = "assigned",
    /// Where the term starts is known.
    StartKnown(StartKnown) = "start_known",
    /// The partition is asked back; it is still owned.
    Revoking(PartitionTerm) = "revoking",
    /// The partition was given up.
    Revoked(PartitionTerm) = "revoked",
    /// The partition is gone; somebody else may have had it for a while.
    Lost(PartitionTerm) = "lost",
    /// The application moved the position.
    Seek(Seek) = "seek",
    /// A policy moved the position.
    Reset(Reset) = "reset",
    /// Fetched records were accepted.
    Delivered(Delivered) = "delivered",
    /// A handler call begins.
    Started(Started) = "started",
    /// A handler call ended.
    Ended(Ended) = "ended",
    /// Records were skipped by an explicit decision.
    Skipped(Skipped) = "skipped",
    /// A commit is about to be sent.
    CommitSent(CommitSent) = "commit_sent",
    /// The outcome of a commit.
    CommitEnded(CommitEnded) = "commit_ended",
    /// A pause reason was set.
    Paused(Pause) = "paused",
    /// A pause reason was taken away.
    Resumed(Pause) = "resumed",
    /// Fill levels.
    Gauge(Gauge) = "gauge",
    /// A result came after its term had ended.
    Stale(Stale) = "stale",
    /// A signal, or a stop that the application asked for.
    Signal(Signal) = "signal",
    /// The member left the group.
    Left(Left) = "left",
    /// The process ended by itself.
    Exited(Exited) = "exited",
    /// By a harness: the process was launched.
    Spawned(IncarnationName) = "spawned",
    /// By a harness: the process was killed (SIGKILL), or crashed in a simulation.
    Killed(IncarnationName) = "killed",
    /// By a harness: the process was stopped (SIGSTOP).
    Stopped(IncarnationName) = "stopped",
    /// By a harness: the process goes on (SIGCONT).
    Continued(IncarnationName) = "continued",
    /// By a harness: all faults are over.
    Healed(Healed) = "healed",
    /// By a producer or a model: a record is in the log.
    Produced(Produced) = "produced",
    /// By a model: the coordinator stored a committed position.
    Applied(Applied) = "applied",
}

impl Event {
    /// The topic and partition that the event is about, when it is about exactly one.
    pub fn topic_partition(&self) -> Option<(&Arc<str>, i32)> {
        match self {
            Self::Assigned(e) => Some((&e.topic, e.partition)),
            Self::StartKnown(e) => Some((&e.topic, e.partition)),
            Self::Revoking(e) | Self::Revoked(e) | Self::Lost(e) => Some((&e.topic, e.partition)),
            Self::Seek(e) => Some((&e.topic, e.partition)),
            Self::Reset(e) => Some((&e.topic, e.partition)),
            Self::Delivered(e) => Some((&e.topic, e.partition)),
            Self::Started(e) => Some((&e.topic, e.partition)),
            Self::Ended(e) => Some((&e.topic, e.partition)),
            Self::Skipped(e) => Some((&e.topic, e.partition)),
            Self::Paused(e) | Self::Resumed(e) => Some((&e.topic, e.partition)),
            Self::Stale(e) => Some((&e.topic, e.partition)),
            Self::Produced(e) => Some((&e.topic, e.partition)),
            Self::Applied(e) => Some((&e.topic, e.partition)),
            Self::Begin(_)
            | Self::CommitSent(_)
            | Self::CommitEnded(_)
            | Self::Gauge(_)
            | Self::Signal(_)
            | Self::Left(_)
            | Self::Exited(_)
            | Self::Spawned(_)
            | Self::Killed(_)
            | Self::Stopped(_)
            | Self::Continued(_)
            | Self::Healed(_) => None,
        }
    }

    /// The term that the event is about; of a seek, the one that ends.
    pub fn term(&self) -> Option<u64> {
        match self {
            Self::Assigned(e) => Some(e.term),
            Self::StartKnown(e) => Some(e.term),
            Self::Revoking(e) | Self::Revoked(e) | Self::Lost(e) => Some(e.term),
            Self::Seek(e) => Some(e.term),
            Self::Reset(e) => Some(e.term),
            Self::Delivered(e) => Some(e.term),
            Self::Started(e) => Some(e.term),
            Self::Ended(e) => Some(e.term),
            Self::Skipped(e) => Some(e.term),
            Self::Paused(e) | Self::Resumed(e) => Some(e.term),
            Self::Stale(e) => Some(e.term),
            _ => None,
        }
    }

    /// Whether only an observer of processes may write the event, not a member.
    pub fn is_from_outside(&self) -> bool {
        matches!(
            self,
            Self::Spawned(_)
                | Self::Killed(_)
                | Self::Stopped(_)
                | Self::Continued(_)
                | Self::Healed(_)
                | Self::Produced(_)
                | Self::Applied(_)
        )
    }
}
