//! Decides what a Kafka consumer may start, commit and release.
//!
//! A deterministic engine without clock, async, client or randomness: one closed [`Input`] enum
//! in, one closed [`Output`] enum out, time as an argument. Equal inputs give equal outputs, so a
//! run is a list that can be replayed, and a simulation can drive the engine that production runs.
//!
//! The shell (crate `surefoot`) maps a client's events to inputs and does the outputs in order.

#![forbid(unsafe_code)]

mod assignment;
mod commit;
mod config;
mod counters;
mod effect;
mod engine;
mod flow;
mod input;
mod lane;
mod offset;
mod output;
mod snapshot;
mod term;
mod topic_partition;
mod tracker;

pub use config::{
    Budget, CommitPolicy, ConfigError, DeliveryUnit, EngineConfig, Guarantee, OutOfRange,
    ProcessingOrder, StartAt, StartPolicy,
};
pub use counters::Counters;
pub use effect::{CommitPosition, Effect, EffectId, SeekReason};
pub use engine::Engine;
pub use input::{
    Committed, Control, ControlId, FetchFailure, Fetched, HandlerOutcome, Input, KeyHash, Outcome,
    RecordMeta, Refusal, SeekTo, StartFacts, Token,
};
pub use offset::{Offset, Position};
pub use output::{
    Answer, ControlRefusal, Deliver, Output, PauseReason, Released, SkipReason, StartProblem,
    StartReason, StopReason, Stopped, Unfinished,
};
pub use snapshot::{HeadOfLine, HeadState, PartitionSnapshot, Phase, Snapshot};
pub use term::{Attempt, FIRST_ATTEMPT, Mono, Now, Term};
pub use topic_partition::TopicPartition;
pub use tracker::{OffsetTracker, ranges::DoneRanges};
