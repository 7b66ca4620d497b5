//! The history format, version 1: what one run of a consumer group looked like from the outside.
//!
//! The page `docs/history.md` is the contract with writers in other languages; the types here are
//! the same contract in Rust. A process that dies by SIGKILL leaves whatever it had written, so
//! each line stands for itself, is written by one call, and names its own coordinates: topic,
//! partition, term, offset. A reader never needs an earlier line to know what a line is about.

mod commit;
mod delivery;
mod dump;
mod event;
mod flow;
mod line;
mod ownership;
mod process;
mod writer;

pub use commit::{Applied, CommitEnded, CommitOutcome, CommitPosition, CommitResult, CommitSent};
pub use delivery::{Delivered, EndResult, Ended, Produced, Skipped, Started};
pub use dump::{CommittedLine, DumpEnd, OffsetsDump, TopicDump, TopicRecord};
pub(crate) use dump::{DumpHeader, TopicHeader};
pub use event::Event;
pub use flow::{Gauge, Pause, PauseReason, Stale};
pub use line::{Line, LineError};
pub use ownership::{Assigned, PartitionTerm, Reset, Seek, StartKnown, StartReason};
pub use process::{
    Begin, Exited, Guarantee, Healed, IncarnationName, Left, ProcessingOrder, Signal,
};
pub use writer::{HistoryFile, micros_since_epoch};

/// The version of the format that this crate reads and writes.
pub const FORMAT: u32 = 1;
