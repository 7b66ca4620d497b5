//! Decides how far a partition may be committed.
//!
//! Handlers finish out of order, but Kafka stores one number per partition. Committing past an
//! unfinished record loses it; committing too early only repeats work. So the tracker numbers
//! records in the order of their delivery and keeps one bit for each: the frontier is the offset of
//! the lowest number whose bit is not set.
//!
//! Offsets are never assumed to be contiguous. Consecutive ones share a run, and a gap (compaction,
//! transaction markers, aborted batches) starts the next run, so that a gap of any width costs the
//! same few bytes. Offsets that were never delivered have nothing left to do, which is what
//! finished means here.

pub(crate) mod ranges;

use std::collections::VecDeque;

use crate::{DoneRanges, Offset, Position};

/// Finished and unfinished records of one partition during one term.
#[derive(Clone, Debug)]
pub struct OffsetTracker {
    // Invariant: never empty once something was delivered; the first run holds `head`'s offset,
    // or was the last when everything is finished. Bases rise in both fields.
    runs: VecDeque<Run>,
    // One bit a record, set when finished; a ring of a power of two words. Bits below `head` and
    // at or above `end` are zero.
    ring: Vec<u64>,
    head: u64,
    end: u64,
    finished_above: u64,
    position: Position,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    number: u64,
    offset: i64,
}

impl OffsetTracker {
    /// Starts tracking at the position where the term starts to read.
    pub fn new(start: Position) -> Self {
        Self {
            runs: VecDeque::new(),
            ring: vec![0; 1],
            head: 0,
            end: 0,
            finished_above: 0,
            position: start,
        }
    }

    /// Records that `offset` was read, and returns its number in the order of delivery.
    ///
    /// # Panics
    ///
    /// If offsets do not rise. The fetch path drops what was read before.
    pub fn deliver(&mut self, offset: Offset) -> u64 {
        assert!(self.position <= offset.position(), "{offset:?} delivered out of order");
        let number = self.end;
        let continues = self
            .runs
            .back()
            .is_some_and(|run| run.offset + (number - run.number) as i64 == offset.get());
        if !continues {
            self.runs.push_back(Run { number, offset: offset.get() });
        }
        if (self.end - (self.head & !63)) >> 6 >= self.ring.len() as u64 {
            self.grow();
        }
        self.end += 1;
        self.position = offset.next();
        number
    }

    /// Notes that there is no record to read below `position`.
    pub fn reach(&mut self, position: Position) {
        self.position = self.position.max(position);
    }

    /// Records that `offset` needs no more work.
    ///
    /// Returns `false` for an offset that was not unfinished: a repeated answer is normal.
    pub fn finish(&mut self, offset: Offset) -> bool {
        match self.number_of(offset) {
            Some(number) => self.finish_number(number),
            None => false,
        }
    }

    /// Records that the delivered records from number `first` up to, not including, number `end`
    /// need no more work, and returns how many of them did until now.
    pub fn finish_numbers(&mut self, first: u64, end: u64) -> u64 {
        let (first, end) = (first.max(self.head), end.min(self.end));
        let mut fresh = 0;
        let mut number = first;
        while number < end {
            let upto = ((number | 63) + 1).min(end);
            let mask = (u64::MAX >> (64 - (upto - number))) << (number & 63);
            let word = self.word(number);
            fresh += u64::from((mask & !self.ring[word]).count_ones());
            self.ring[word] |= mask;
            number = upto;
        }
        self.finished_above += fresh;
        if first == self.head {
            self.advance();
        }
        fresh
    }

    /// Like [`OffsetTracker::finish_numbers`] for one record.
    pub fn finish_number(&mut self, number: u64) -> bool {
        if number < self.head || number >= self.end {
            return false;
        }
        let word = self.word(number);
        let bit = 1 << (number & 63);
        if self.ring[word] & bit != 0 {
            return false;
        }
        self.ring[word] |= bit;
        self.finished_above += 1;
        if number == self.head {
            self.advance();
        }
        true
    }

    /// The highest position that is safe to commit.
    pub fn frontier(&self) -> Position {
        if self.head == self.end { self.position } else { self.offset_of(self.head).position() }
    }

    /// The next offset to read.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The number of the first record that is not finished, or of the next one to be delivered.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The number that the next delivered record gets.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How many records above the frontier are finished.
    pub fn finished_above(&self) -> u64 {
        self.finished_above
    }

    /// Whether the record with this number is finished.
    pub fn is_finished(&self, number: u64) -> bool {
        number < self.head || self.ring[self.word(number)] & (1 << (number & 63)) != 0
    }

    /// The offset of the delivered record with this number, which must not lie below the frontier.
    pub fn offset_of(&self, number: u64) -> Offset {
        let at = match self.runs.get(1) {
            Some(second) if number >= second.number => {
                self.runs.partition_point(|run| run.number <= number) - 1
            }
            _ => 0,
        };
        let run = self.runs[at];
        Offset::new(run.offset + (number - run.number) as i64)
    }

    /// The number of a record at or above the frontier; `None` if it was not delivered or lies
    /// below.
    pub fn number_of(&self, offset: Offset) -> Option<u64> {
        let number = self.number_at_or_after(offset.position());
        (number >= self.head && number < self.end && self.offset_of(number) == offset)
            .then_some(number)
    }

    /// The number of the first delivered record whose offset is not below `position`, or of the
    /// next one to be delivered.
    pub fn number_at_or_after(&self, position: Position) -> u64 {
        let last = self.runs.len().saturating_sub(1);
        let at = match self.runs.get(1) {
            // Answers come mostly from the first run or the last.
            Some(second) if position.get() >= second.offset => {
                if position.get() >= self.runs[last].offset {
                    last
                } else {
                    self.runs.partition_point(|run| run.offset <= position.get()) - 1
                }
            }
            _ => 0,
        };
        let Some(run) = self.runs.get(at) else {
            return self.end;
        };
        if position.get() < run.offset {
            return run.number.max(self.head);
        }
        let run_end = self.runs.get(at + 1).map_or(self.end, |next| next.number);
        (run.number + (position.get() - run.offset) as u64).min(run_end)
    }

    /// The offsets that are finished above the frontier, to be stored beside a commit.
    pub fn done_ranges(&self) -> DoneRanges {
        let mut ranges = DoneRanges::default();
        for number in (self.head..self.end).filter(|&number| self.is_finished(number)) {
            ranges.push(self.offset_of(number));
        }
        ranges
    }

    /// Moves the head over finished records, a word at a time, and clears what it passes.
    fn advance(&mut self) {
        let from = self.head;
        while self.head < self.end {
            let word = self.word(self.head);
            let shift = self.head & 63;
            let ones = u64::from((self.ring[word] >> shift).trailing_ones());
            if ones == 0 {
                break;
            }
            let mask = (u64::MAX >> (64 - ones)) << shift;
            self.ring[word] &= !mask;
            self.head += ones;
            if shift + ones < 64 {
                break;
            }
        }
        self.finished_above -= self.head - from;
        while self.runs.get(1).is_some_and(|second| second.number <= self.head) {
            self.runs.pop_front();
        }
    }

    fn word(&self, number: u64) -> usize {
        (number >> 6) as usize & (self.ring.len() - 1)
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.ring);
        self.ring = vec![0; old.len() * 2];
        for (from, word) in (self.head >> 6..).zip(0..old.len()) {
            debug_assert!(word < old.len());
            let number = from << 6;
            let to = self.word(number);
            self.ring[to] = old[from as usize & (old.len() - 1)];
        }
    }
}

#[cfg(test)]
mod tests;
