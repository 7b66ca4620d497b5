//! The life of a process: what it promised when it began, the signals it got, how it ended.
//!
//! An incarnation is one run of one member from start to death. Its promise (guarantee, order,
//! window, limits) is written by the process itself, so that a history can be judged by what the
//! process was told to do. What a process cannot write, such as its own SIGKILL, is written by
//! whoever caused it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The delivery guarantee that a member was configured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// A record starts only after a commit that covers it was acknowledged; nothing starts twice.
    AtMostOnce,
    /// Only what is handled is committed; nothing is lost.
    AtLeastOnce,
    /// The application chooses when to commit; what a commit covers is handled or skipped.
    Manual,
}

/// Which records must be handled one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessingOrder {
    /// All records of a partition.
    Partition,
    /// The records of a partition that have the same key; a record without a key stands alone.
    Key,
    /// None.
    Unordered,
}

/// The first line of an incarnation's history: who it is and what it was told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Version of the format; [`FORMAT`](super::FORMAT).
    pub format: u32,
    /// Name of the member; the same for all its incarnations.
    pub member: Arc<str>,
    /// Which run of the member this is: 1, 2, 3, …, without holes.
    pub incarnation: u32,
    /// The consumer group.
    pub group: Arc<str>,
    /// The guarantee that it was told to keep.
    pub guarantee: Guarantee,
    /// The order that it was told to keep.
    pub processing_order: ProcessingOrder,
    /// The topics that it subscribed to.
    pub topics: Vec<Arc<str>>,
    /// At-most-once: how many records the member may have committed and not started, over all its
    /// partitions together. 0 for other guarantees.
    pub window: u64,
    /// How many handler calls may run at once. A batch is one call.
    pub max_in_flight: u64,
    /// How many bytes of records the member may hold.
    pub max_buffered_bytes: u64,
    /// How long a revocation or a stop may wait for handlers that run.
    pub drain_deadline_ms: u64,
    /// The process id; 0 where there is none.
    pub pid: u32,
}

/// A signal reached the process, or its application asked it to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The signal's number; 0 for a stop that the application asked for.
    pub number: i32,
    /// How many of them this process has seen, this one included: 1 drains, 2 leaves at once.
    pub nth: u32,
}

/// The member left the group: LeaveGroup was sent, the client is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {}

/// The last line of a process that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exited {
    /// The exit code.
    pub code: i32,
    /// Why it ended, in words.
    pub why: Box<str>,
    /// How many delivered records were neither handled nor skipped.
    pub unfinished: u64,
}

/// Names an incarnation in what others write about it (`spawned`, `killed`, `stopped`,
/// `continued`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IncarnationName {
    /// Name of the member.
    pub member: Arc<str>,
    /// Which run of it.
    pub incarnation: u32,
}

/// From here on no fault is active and the members that live stay up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healed {}

impl Guarantee {
    /// The name that the format and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at-most-once",
            Self::AtLeastOnce => "at-least-once",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Guarantee {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::AtMostOnce, Self::AtLeastOnce, Self::Manual]
            .into_iter()
            .find(|guarantee| guarantee.as_str() == text)
            .ok_or_else(|| {
                format!("unknown guarantee `{text}`: use at-most-once, at-least-once or manual")
            })
    }
}

impl ProcessingOrder {
    /// The name that the format and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Key => "key",
            Self::Unordered => "unordered",
        }
    }
}

impl fmt::Display for ProcessingOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for IncarnationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.member, self.incarnation)
    }
}
