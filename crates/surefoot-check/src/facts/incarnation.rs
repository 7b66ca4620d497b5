//! What is known about one incarnation: its promise, its signals, how and when it ended.
//!
//! The end is told by the process itself or, after SIGKILL, by whoever killed it; both may be on
//! record, and then the process's own word counts. Time in which it was stopped is kept apart,
//! because no deadline runs in it.

use crate::history::Begin;

/// One incarnation.
#[derive(Debug)]
pub(crate) struct Incarnation<'a> {
    pub(crate) begin: &'a Begin,
    /// Its last entry.
    pub(crate) last: u32,
    /// The entry that says it was killed.
    pub(crate) killed: Option<u32>,
    /// The entry that says it exited, and the code.
    pub(crate) exited: Option<(u32, i32)>,
    /// The entry that says it left the group.
    pub(crate) left: Option<u32>,
    /// Its `signal` entries with their count.
    pub(crate) signals: Vec<(u32, u32)>,
    /// Times from `stopped` to `continued`.
    pub(crate) stops: Vec<Stop>,
    /// Handler calls that failed by themselves: entry, term, record.
    pub(crate) failures: Vec<(u32, usize, usize)>,
    /// Its terms, in the order in which they began.
    pub(crate) terms: Vec<usize>,
}

/// A time in which the process was stopped.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) from: u64,
    /// `u64::MAX` while it was not continued.
    pub(crate) to: u64,
}

impl<'a> Incarnation<'a> {
    pub(crate) fn new(begin: &'a Begin, index: u32) -> Self {
        Self {
            begin,
            last: index,
            killed: None,
            exited: None,
            left: None,
            signals: Vec::new(),
            stops: Vec::new(),
            failures: Vec::new(),
            terms: Vec::new(),
        }
    }

    /// The entry at which it ended, by itself or not.
    pub(crate) fn ended(&self) -> Option<u32> {
        self.killed.or_else(|| self.exited.map(|(entry, _)| entry))
    }

    /// How long it was stopped between two instants, in microseconds.
    pub(crate) fn stopped_between(&self, from: u64, to: u64) -> u64 {
        self.stops.iter().map(|stop| stop.to.min(to).saturating_sub(stop.from.max(from))).sum()
    }
}
