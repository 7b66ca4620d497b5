//! One term: how it began, where it started to read, what was delivered and run in it, how it
//! ended.
//!
//! A record is terminal *in a term*, from an instant on; a predicate asks "was it by then", so
//! slots hold the index of the entry that made it so. Slots cover the partition's records from the
//! start of the term upwards and grow with what is touched.

use super::{NEVER, Partition};
use crate::history::{CommitOutcome, PauseReason, StartKnown};

/// One term.
#[derive(Debug)]
pub(crate) struct Term<'a> {
    pub(crate) source: usize,
    pub(crate) partition: usize,
    pub(crate) number: u64,
    /// The entry that began it.
    pub(crate) began: u32,
    pub(crate) origin: Origin,
    pub(crate) start: Option<Start<'a>>,
    pub(crate) revoking: Option<u32>,
    /// `None` for a term that was in force when the run ended.
    pub(crate) end: Option<End>,
    /// Index of the partition's first record that can have a slot.
    pub(crate) low: usize,
    pub(crate) slots: Vec<Slot>,
    /// How far delivery and skips had reached: positions that rise, with the entry.
    pub(crate) reached: Vec<(u32, i64)>,
    /// The pause reasons in force; those at its end, when it has ended.
    pub(crate) paused: Vec<PauseReason>,
    /// Somebody held its handlers back when its drain began.
    pub(crate) drained_paused: bool,
    /// Indices of its commits.
    pub(crate) commits: Vec<usize>,
}

/// How a term began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Assigned,
    Seek,
    /// It was never announced.
    Nowhere,
}

/// Where a term starts to read.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) entry: u32,
    pub(crate) known: &'a StartKnown,
}

/// The end of a term.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) entry: u32,
    pub(crate) how: Ending,
}

/// How a term ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Revoked,
    Lost,
    Seek,
    Killed,
    /// The process ended by itself, with this code, without giving the partition up.
    Exited(i32),
}

/// What happened to one record in one term.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// The first entry that started it.
    pub(crate) started: u32,
    /// The first entry that made it terminal: handled or skipped.
    pub(crate) terminal: u32,
    /// The first entry that ended a call of it, whatever the result.
    pub(crate) ended: u32,
    /// The latest entry that ended a call of it without success.
    pub(crate) failed: u32,
    /// The call that runs, while gathering.
    pub(crate) flight: u32,
    /// Attempts so far.
    pub(crate) attempts: u32,
}

/// One handler call.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) term: usize,
    pub(crate) start: u32,
    /// The entry that ended the last part of it.
    pub(crate) end: Option<u32>,
    /// Its first record and one past its last, as indices into the partition.
    pub(crate) first: usize,
    pub(crate) past: usize,
    /// Records whose end is not known, while gathering.
    pub(crate) open: usize,
}

/// One partition's part of a commit.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) source: usize,
    pub(crate) id: u64,
    pub(crate) sent: u32,
    pub(crate) partition: usize,
    pub(crate) term: usize,
    pub(crate) position: i64,
    /// The best that is known, with the entry that said so.
    pub(crate) answer: Option<(u32, CommitOutcome)>,
}

impl Term<'_> {
    pub(super) fn pause(&mut self, reason: PauseReason) {
        if self.end.is_none() && !self.paused.contains(&reason) {
            // What a drain gave up because of a pause it does not get back when the pause ends.
            self.drained_paused |= reason == PauseReason::Drain && self.is_held();
            self.paused.push(reason);
        }
    }

    pub(super) fn resume(&mut self, reason: PauseReason) {
        if self.end.is_none() {
            self.paused.retain(|&set| set != reason);
        }
    }

    /// What happened to a record of the partition in this term.
    pub(crate) fn slot(&self, record: usize) -> Slot {
        record.checked_sub(self.low).and_then(|i| self.slots.get(i)).copied().unwrap_or(Slot::EMPTY)
    }

    /// The slot of a record, made if needed; `None` below the start of the term.
    pub(super) fn slot_mut(&mut self, record: usize) -> Option<&mut Slot> {
        let index = record.checked_sub(self.low)?;
        if index >= self.slots.len() {
            self.slots.resize(index + 1, Slot::EMPTY);
        }
        Some(&mut self.slots[index])
    }

    /// The position at which it starts.
    pub(crate) fn position(&self) -> Option<i64> {
        self.start.as_ref().map(|start| start.known.position)
    }

    /// How far delivery and skips had reached before an entry.
    pub(crate) fn reached_before(&self, entry: u32) -> i64 {
        let count = self.reached.partition_point(|&(when, _)| when < entry);
        match count.checked_sub(1) {
            Some(last) => self.reached[last].1,
            None => self.position().unwrap_or(i64::MIN),
        }
    }

    /// How far delivery and skips reached at all.
    pub(crate) fn reached_at_end(&self) -> i64 {
        self.reached_before(NEVER)
    }

    /// Whether somebody holds its handlers back.
    pub(crate) fn is_held(&self) -> bool {
        [PauseReason::User, PauseReason::Breaker].iter().any(|held| self.paused.contains(held))
    }

    /// Whether it was in force when an entry was written.
    pub(crate) fn is_open_at(&self, entry: u32) -> bool {
        self.began <= entry && self.end.is_none_or(|end| entry < end.entry)
    }

    /// The entry at which it ended, or [`NEVER`].
    pub(crate) fn ended(&self) -> u32 {
        self.end.map_or(NEVER, |end| end.entry)
    }
}

impl Slot {
    pub(crate) const EMPTY: Self = Self {
        started: NEVER,
        terminal: NEVER,
        ended: NEVER,
        failed: NEVER,
        flight: NEVER,
        attempts: 0,
    };

    /// Whether a handler was ever called.
    pub(crate) fn is_started(&self) -> bool {
        self.started != NEVER
    }

    /// Whether it was handled or skipped, while the term was in force.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal != NEVER
    }
}

impl Flight {
    /// Its records. Of a batch only the bounds are named; a record in between that the log does not
    /// show was compacted away, before the batch was fetched or after, and is none of the batch.
    pub(crate) fn records<'p>(
        &self,
        partition: &'p Partition<'_>,
    ) -> impl Iterator<Item = usize> + use<'p> {
        let (first, last) = (self.first, self.past.saturating_sub(1));
        (first..self.past).filter(move |&record| {
            record == first || record == last || partition.records[record].visible
        })
    }
}

impl Commit {
    /// The entry that acknowledged it, or [`NEVER`].
    pub(crate) fn acknowledged(&self) -> u32 {
        match self.answer {
            Some((entry, CommitOutcome::Done)) => entry,
            _ => NEVER,
        }
    }

    /// Whether it was certainly not applied.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.answer, Some((_, CommitOutcome::Refused)))
    }
}
