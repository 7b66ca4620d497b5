//! Under construction.

mod batch;
mod builder;
mod consumer;
mod delivery;
mod error;
mod event;
mod handle;
mod history;
mod kafka;
mod lag;
mod link;
mod payloads;
mod record;
mod room;
mod route;
mod run;
mod signal;
mod snapshot;
mod stream;

pub use batch::{Batch, BatchError};
pub use builder::{Builder, IsolationLevel};
pub use consumer::Consumer;
pub use delivery::Delivery;
pub use error::{BuildError, ControlError, Failure, RunError};
pub use event::{AssignmentEvent, Events};
pub use handle::{CommitAnswer, Handle, SeekAnswer};
pub use kafka::settings::SettingsError;
pub use record::{Header, Record};
pub use room::StartError;
pub use snapshot::{PartitionSnapshot, Snapshot};
pub use stream::{Deliveries, OpenDelivery};
pub use surefoot_core::{
    Attempt, Budget, CommitPolicy, ConfigError, Counters, FetchFailure, Guarantee, HeadOfLine,
    HeadState, Offset, OutOfRange, PauseReason, Phase, Position, ProcessingOrder, SeekTo, StartAt,
    StartPolicy, StartProblem, Term, TopicPartition, Unfinished,
};
