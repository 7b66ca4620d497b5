//! Where the ends of handler calls are written down and handed in.
//!
//! An end is first a line of the history and then a report to the engine's thread: a commit must
//! never be on the record before the work that it covers. What a handler said is kept here, because
//! the engine decides with outcomes alone and the application wants the error.

use std::sync::{Arc, Mutex, PoisonError};

use surefoot_core::{Attempt, HandlerOutcome, Offset, TopicPartition};

use super::Held;
use crate::Failure;
use crate::history::{EndResult, Ended, Lines, Recorder};
use crate::link::{Message, Report, Sender};

/// Takes in the ends of handler calls of one consumer, from any thread.
pub(crate) struct Desk {
    sender: Sender,
    recorder: Option<Arc<Recorder>>,
    blamed: Mutex<Vec<Blamed>>,
}

/// What a handler said of a record that it did not handle.
#[derive(Debug)]
pub(crate) struct Blamed {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: Offset,
    pub(crate) why: Why,
}

/// Why a record was not handled.
#[derive(Debug)]
pub(crate) enum Why {
    Failed(Failure),
    Panicked(String),
}

/// A run of records of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) first: Offset,
    pub(crate) last: Offset,
    pub(crate) count: u32,
}

/// How a part of a delivery ended.
#[derive(Debug)]
pub(crate) enum Verdict {
    Done,
    Cancelled,
    Not(Why),
}

/// Which delivery a part belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) held: &'a Held,
    pub(crate) attempt: Attempt,
    /// Whether its history lines name a range.
    pub(crate) is_batch: bool,
}

/// Ends that are handed in together.
#[derive(Default)]
pub(crate) struct Ends {
    reports: Vec<Report>,
    lines: Lines,
    blamed: Vec<Blamed>,
}

impl Desk {
    pub(crate) fn new(sender: Sender, recorder: Option<Arc<Recorder>>) -> Self {
        Self { sender, recorder, blamed: Mutex::new(Vec::new()) }
    }

    /// Notes an end; it counts once it is handed in.
    pub(crate) fn note(&self, ends: &mut Ends, call: Call<'_>, part: Part, verdict: Verdict) {
        let (outcome, result, why) = match verdict {
            Verdict::Done => (HandlerOutcome::Done, EndResult::Ok, None),
            Verdict::Cancelled => (HandlerOutcome::Cancelled, EndResult::Cancelled, None),
            Verdict::Not(why @ Why::Failed(_)) => {
                (HandlerOutcome::Failed, EndResult::Error, Some(why))
            }
            Verdict::Not(why @ Why::Panicked(_)) => {
                (HandlerOutcome::Panicked, EndResult::Panic, Some(why))
            }
        };
        ends.reports.push(Report {
            term: call.held.term,
            first: part.first,
            last: part.last,
            attempt: call.attempt,
            outcome,
        });
        if let Some(recorder) = &self.recorder {
            let ended = Ended {
                topic: &call.held.topic,
                partition: call.held.partition,
                term: call.held.term.get(),
                offset: part.first.get(),
                attempt: call.attempt.get(),
                last: call.is_batch.then_some(part.last.get()),
                count: call.is_batch.then_some(part.count.into()),
                result,
                message: why.as_ref().map(ToString::to_string),
            };
            recorder.ended(&mut ends.lines, &ended);
        }
        if let Some(why) = why {
            ends.blamed.push(Blamed {
                partition: call.held.topic_partition(),
                offset: part.first,
                why,
            });
        }
    }

    /// Writes the ends down and reports them.
    pub(crate) fn hand_in(&self, ends: &mut Ends) {
        if ends.reports.is_empty() {
            return;
        }
        if let Some(recorder) = &self.recorder {
            recorder.write(&mut ends.lines);
        }
        if !ends.blamed.is_empty() {
            self.blamed().append(&mut ends.blamed);
        }
        let next = Vec::with_capacity(ends.reports.len());
        let reports = std::mem::replace(&mut ends.reports, next);
        // Without the thread nobody counts any more; the run's result says why it ended.
        let _gone = self.sender.send(Message::Reports(reports));
    }

    /// Notes and hands in one end.
    pub(crate) fn hand_in_one(&self, call: Call<'_>, part: Part, verdict: Verdict) {
        let mut ends = Ends::default();
        self.note(&mut ends, call, part, verdict);
        self.hand_in(&mut ends);
    }

    /// What was said of the records that were not handled.
    pub(crate) fn take_blamed(&self) -> Vec<Blamed> {
        std::mem::take(&mut *self.blamed())
    }

    fn blamed(&self) -> std::sync::MutexGuard<'_, Vec<Blamed>> {
        // Nothing panics while it is held, and a list of errors is whole at any time.
        self.blamed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Why {
    /// The same in words, for another part of the same call.
    pub(crate) fn repeat(&self) -> Self {
        match self {
            Self::Failed(failure) => Self::Failed(failure.to_string().into()),
            Self::Panicked(message) => Self::Panicked(message.clone()),
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Panicked(message) => f.write_str(message),
        }
    }
}
