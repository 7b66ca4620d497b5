//! What waits for a process's one loop: the client's events, what was read, and reports.
//!
//! Each source is in order; between the sources there is none, so a record can be taken after the
//! revocation that came later, and the other way round.

use std::collections::VecDeque;

use surefoot_core::{
    Control, ControlId, EffectId, FetchFailure, HandlerOutcome, Offset, Outcome, StartFacts, Term,
};

use crate::fabric::PartitionId;
use crate::kafka::log::LoggedRecord;

/// An event of the client.
#[derive(Clone, Debug)]
pub(super) enum FromClient {
    Assigned(Vec<PartitionId>),
    Revoked(Vec<PartitionId>),
    Lost(Vec<PartitionId>),
    StartFound { term: Term, outcome: Outcome<StartFacts> },
    Committed { effect: EffectId, outcomes: Vec<(PartitionId, Outcome<()>)>, repeated: Repeated },
    Sought { effect: EffectId, term: Term, outcome: Outcome<()> },
    FetchFailed { term: Term, failure: FetchFailure },
}

/// Whether an answer was given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    No,
    Yes,
}

/// Something that was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) partition: PartitionId,
    pub(super) term: Term,
    pub(super) content: Content,
    /// Where reading goes on after it.
    pub(super) next: i64,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Records(Vec<LoggedRecord>),
    End,
}

/// Something from inside the process.
#[derive(Clone, Debug)]
pub(super) enum Report {
    Finished { term: Term, first: Offset, last: Offset, outcome: HandlerOutcome },
    Control(ControlId, Control),
    Stop,
    Abort,
}

/// One thing for the loop.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Client(FromClient),
    Read(Read),
    Report(Report),
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    pub(super) client: VecDeque<FromClient>,
    pub(super) reads: VecDeque<Read>,
    pub(super) reports: VecDeque<Report>,
}

impl Mailbox {
    pub(super) fn is_empty(&self) -> bool {
        self.client.is_empty() && self.reads.is_empty() && self.reports.is_empty()
    }

    /// Takes the next thing, the first source first, beginning with source number `from`.
    pub(super) fn take(&mut self, from: u64) -> Option<Item> {
        (0..3).find_map(|step| match (from + step) % 3 {
            0 => self.client.pop_front().map(Item::Client),
            1 => self.reports.pop_front().map(Item::Report),
            _ => self.reads.pop_front().map(Item::Read),
        })
    }

    /// Forgets what was read from a partition.
    pub(super) fn purge(&mut self, partition: PartitionId) {
        self.reads.retain(|read| read.partition != partition);
    }
}
