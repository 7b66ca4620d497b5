//! Ranges of offsets that are finished above a frontier.
//!
//! The form in which out-of-order work survives a restart: exported beside a commit, imported at
//! the next start, consumed as records above the start are read again.

use std::collections::VecDeque;

use crate::{Offset, Position};

/// Finished offsets as closed ranges in rising order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoneRanges {
    // Invariant: ranges rise and neither touch nor overlap.
    ranges: VecDeque<(Offset, Offset)>,
}

impl DoneRanges {
    /// The ranges at or above `start`, in any order and overlapping as they may be.
    pub fn new(start: Position, mut ranges: Vec<(Offset, Offset)>) -> Self {
        ranges.sort_unstable();
        let mut done = Self::default();
        for (first, last) in ranges {
            let first = first.max(Offset::new(start.get()));
            match done.ranges.back_mut() {
                _ if last < first => {}
                Some(back) if first.position() <= back.1.next() => back.1 = back.1.max(last),
                _ => done.ranges.push_back((first, last)),
            }
        }
        done
    }

    /// Adds an offset above all others.
    pub fn push(&mut self, offset: Offset) {
        match self.ranges.back_mut() {
            Some(back) if back.1.next() == offset.position() => back.1 = offset,
            _ => self.ranges.push_back((offset, offset)),
        }
    }

    /// Whether `offset` is finished. Offsets must be asked in rising order: what lies below is
    /// forgotten, as an offset that was compacted away never comes.
    pub fn take(&mut self, offset: Offset) -> bool {
        while self.ranges.front().is_some_and(|range| range.1 < offset) {
            self.ranges.pop_front();
        }
        self.ranges.front().is_some_and(|range| range.0 <= offset)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges, first and last offset each.
    pub fn into_ranges(self) -> Vec<(Offset, Offset)> {
        self.ranges.into()
    }
}
