//! What a run's events say, gathered once so that each predicate is a short walk.
//!
//! Predicates ask the same things: which term is this line about, was this record terminal by then,
//! how did the term end, what did this commit cover. Gathering answers them into tables that are
//! indexed by numbers (entry, term, record), so that a simulation can judge thousands of runs a
//! second and a file of millions of lines takes seconds. Nothing is judged here: what does not fit
//! together is kept as an oddity for the predicate whose business it is.

mod gather;
mod incarnation;
mod partition;
mod stored;
mod term;

pub(crate) use incarnation::Incarnation;
pub(crate) use partition::{Jump, JumpKind, Partition, Partitions, Record};
pub(crate) use stored::Stored;
pub(crate) use term::{Commit, End, Ending, Flight, Origin, Start, Term};

use crate::promise::Promise;
use crate::run::{Entry, Run};
use crate::verdict::Predicate;

/// Stands for "never" where an entry's index is expected, and for "none" in tables of indices.
pub(crate) const NEVER: u32 = u32::MAX;

/// The tables of one run.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) run: &'a Run,
    pub(crate) promise: &'a Promise,
    pub(crate) partitions: Vec<Partition<'a>>,
    pub(crate) terms: Vec<Term<'a>>,
    pub(crate) flights: Vec<Flight>,
    pub(crate) commits: Vec<Commit>,
    /// By source; `None` for observers.
    pub(crate) incarnations: Vec<Option<Incarnation<'a>>>,
    /// By entry: the term it is about, or [`NEVER`].
    pub(crate) entry_term: Vec<u32>,
    /// By entry: the handler call of a `started` line, or [`NEVER`].
    pub(crate) entry_flight: Vec<u32>,
    pub(crate) healed: Option<u32>,
    /// Whether what the coordinator stored is known, from `applied` events or from a dump.
    pub(crate) knows_stored: bool,
    pub(crate) oddities: Vec<Oddity>,
}

/// Something that does not fit together, found while gathering.
#[derive(Debug)]
pub(crate) struct Oddity {
    pub(crate) predicate: Predicate,
    pub(crate) entry: u32,
    pub(crate) because: Option<u32>,
    pub(crate) what: &'static str,
}

impl<'a> Facts<'a> {
    /// Gathers the facts of a run.
    pub(crate) fn gather(run: &'a Run, promise: &'a Promise) -> Self {
        gather::gather(run, promise)
    }

    /// The events in order, with their indices.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, &'a Entry)> + use<'a> {
        self.run.entries().iter().enumerate().map(|(index, entry)| (index as u32, entry))
    }

    /// One event.
    pub(crate) fn entry(&self, index: u32) -> &'a Entry {
        &self.run.entries()[index as usize]
    }

    /// When an event was written.
    pub(crate) fn at(&self, index: u32) -> u64 {
        self.entry(index).at
    }

    /// The term that an event is about.
    pub(crate) fn term_of(&self, index: u32) -> Option<usize> {
        let term = self.entry_term[index as usize];
        (term != NEVER).then_some(term as usize)
    }

    /// The partition of a term.
    pub(crate) fn partition_of(&self, term: &Term<'_>) -> &Partition<'a> {
        &self.partitions[term.partition]
    }

    /// The incarnation of a term.
    pub(crate) fn incarnation_of(&self, term: &Term<'_>) -> &Incarnation<'a> {
        self.incarnations[term.source].as_ref().expect("terms belong to incarnations")
    }

    /// `topic[partition]` of a term.
    pub(crate) fn name_of(&self, term: &Term<'_>) -> String {
        self.partition_of(term).name()
    }

    /// The offset of a record of a partition.
    pub(crate) fn offset(&self, partition: usize, record: usize) -> i64 {
        self.partitions[partition].records[record].offset
    }

    /// When the run was last known to go on.
    pub(crate) fn end_at(&self) -> u64 {
        self.run.entries().iter().map(|entry| entry.at).max().unwrap_or(0)
    }
}
