//! What passes between the thread that owns the engine and the task that runs handlers.
//!
//! Two one-way queues of batches. Work goes out with its payload; reports come back naming term,
//! offset and attempt, never a payload, so that a report that comes late is only a line to count.

use std::sync::Arc;

use surefoot_core::{
    Answer, Attempt, Control, Deliver, HandlerOutcome, Offset, Term, TopicPartition,
};

use crate::record::Record;

/// From the engine's thread to the handlers.
#[derive(Debug)]
pub(crate) enum Work {
    /// One record a delivery.
    Records(Vec<(Deliver, Record)>),
    /// One batch.
    Batch(Deliver, Vec<Record>),
    /// What runs under this term is no longer wanted.
    Cancel(Term),
    /// No more work follows; the thread's result is on its way.
    Over,
}

/// From the handlers to the engine's thread: records `first..=last` ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) term: Term,
    pub(crate) first: Offset,
    pub(crate) last: Offset,
    pub(crate) attempt: Attempt,
    pub(crate) outcome: HandlerOutcome,
}

/// From anywhere to the engine's thread.
#[derive(Debug)]
pub(crate) enum Message {
    /// Handlers ended.
    Reports(Vec<Report>),
    /// The application asks for something that the engine decides.
    Control(Control, tokio::sync::oneshot::Sender<Answer>),
    /// The application asks for something that the shell answers.
    Query(Query),
    /// Drain and stop; a second one changes nothing.
    Stop(Option<std::time::Duration>),
    /// Stop at once.
    Abort,
}

/// Questions that need the client and not the engine.
#[derive(Debug)]
pub(crate) enum Query {
    /// The engine's snapshot with each partition's end offset as the client last saw it.
    Snapshot(tokio::sync::oneshot::Sender<crate::snapshot::Snapshot>),
    /// Offsets of these partitions (all assigned if empty) at a time, in milliseconds since the
    /// Unix epoch.
    OffsetsForTime(
        Vec<TopicPartition>,
        i64,
        tokio::sync::oneshot::Sender<Result<Vec<(TopicPartition, Option<i64>)>, Arc<str>>>,
    ),
    /// What the group stores for these partitions (all assigned if empty).
    Committed(
        Vec<TopicPartition>,
        tokio::sync::oneshot::Sender<Result<Vec<(TopicPartition, Option<i64>)>, Arc<str>>>,
    ),
    /// The partitions of a topic that are assigned now, to expand a whole topic.
    Assigned(Option<Arc<str>>, tokio::sync::oneshot::Sender<Vec<TopicPartition>>),
}
