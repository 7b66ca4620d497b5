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
    // The run that holds `head`'s offset, or held the last record when everything is finished. It
    // lies apart from the others because without gaps it is the only one.
    front: Run,
    // The number at which the second run begins; `NO_NUMBER` without one.
    front_end: u64,
    // The runs behind the front, with bases that rise in both fields.
    later: VecDeque<Run>,
    // The offset that the last run goes on with; `NO_OFFSET` before anything was delivered.
    continues_at: i64,
    // One bit a record, set when finished; a ring of a power of two words. Bits below `head` and
    // at or above `end` are zero.
    ring: Vec<u64>,
    head: u64,
    end: u64,
    position: Position,
}

const NO_NUMBER: u64 = u64::MAX;
const NO_OFFSET: i64 = i64::MIN;

#[derive(Clone, Copy, Debug)]
struct Run {
    number: u64,
    offset: i64,
}

impl OffsetTracker {
    /// Starts tracking at the position where the term starts to read.
    pub fn new(start: Position) -> Self {
        Self {
            front: Run { number: 0, offset: start.get() },
            front_end: NO_NUMBER,
            later: VecDeque::new(),
            continues_at: NO_OFFSET,
            ring: vec![0; 1],
            head: 0,
            end: 0,
            position: start,
        }
    }

    /// Records that `offset` was read, and returns its number in the order of delivery.
    ///
    /// # Panics
    ///
    /// If offsets do not rise. The fetch path drops what was read before.
    #[inline]
    pub fn deliver(&mut self, offset: Offset) -> u64 {
        assert!(self.position <= offset.position(), "{offset:?} delivered out of order");
        let number = self.end;
        if self.continues_at != offset.get() {
            self.begin_run(Run { number, offset: offset.get() });
        }
        if (self.end - (self.head & !63)) >> 6 >= self.ring.len() as u64 {
            self.grow();
        }
        self.end += 1;
        self.position = offset.next();
        self.continues_at = self.position.get();
        number
    }

    /// Notes that there is no record to read below `position`.
    pub fn reach(&mut self, position: Position) {
        self.position = self.position.max(position);
    }

    /// Records that `offset` needs no more work.
    ///
    /// Returns `false` for an offset that was not unfinished: a repeated answer is normal.
    #[inline]
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
        if first == self.head {
            self.advance();
        }
        fresh
    }

    /// Like [`OffsetTracker::finish_numbers`] for one record.
    #[inline]
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
        if number == self.head {
            self.advance();
        }
        true
    }

    /// The highest position that is safe to commit.
    #[inline]
    pub fn frontier(&self) -> Position {
        if self.head == self.end {
            self.position
        } else {
            Position::new(self.front.offset + (self.head - self.front.number) as i64)
        }
    }

    /// The next offset to read.
    #[inline]
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

    /// How many records above the frontier are finished. Counted when asked: it is asked seldom.
    pub fn finished_above(&self) -> u64 {
        self.ring.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether the record with this number is finished.
    pub fn is_finished(&self, number: u64) -> bool {
        number < self.head || self.ring[self.word(number)] & (1 << (number & 63)) != 0
    }

    /// The offset of the delivered record with this number, which must not lie below the frontier.
    #[inline]
    pub fn offset_of(&self, number: u64) -> Offset {
        let run = if number < self.front_end { self.front } else { self.later_run_of(number) };
        Offset::new(run.offset + (number - run.number) as i64)
    }

    /// The number of a record at or above the frontier; `None` if it was not delivered or lies
    /// below.
    #[inline]
    pub fn number_of(&self, offset: Offset) -> Option<u64> {
        // Below the front run this wraps around, to a number below the head or far above the end.
        let in_front = offset.get().wrapping_sub(self.front.offset) as u64;
        let mut number = self.front.number.wrapping_add(in_front);
        if number >= self.front_end {
            number = self.number_at_or_after(offset.position());
            if number >= self.end || self.offset_of(number) != offset {
                return None;
            }
        }
        (number >= self.head && number < self.end).then_some(number)
    }

    /// The number of the first delivered record whose offset is not below `position`, or of the
    /// next one to be delivered.
    pub fn number_at_or_after(&self, position: Position) -> u64 {
        let behind = self.later.partition_point(|run| run.offset <= position.get());
        let run = match behind.checked_sub(1) {
            None => self.front,
            Some(at) => self.later[at],
        };
        if position.get() < run.offset {
            return run.number.max(self.head);
        }
        let run_end = self.later.get(behind).map_or(self.end, |next| next.number);
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
        while self.head >= self.front_end {
            let Some(next) = self.later.pop_front() else { break };
            self.front = next;
            self.front_end = self.later.front().map_or(NO_NUMBER, |run| run.number);
        }
    }

    /// The first record, or one behind a gap.
    #[cold]
    fn begin_run(&mut self, run: Run) {
        if self.head == self.end {
            // Everything in the front run is finished.
            self.front = run;
        } else {
            if self.later.is_empty() {
                self.front_end = run.number;
            }
            self.later.push_back(run);
        }
    }

    /// The run behind the front that holds this number.
    #[cold]
    fn later_run_of(&self, number: u64) -> Run {
        self.later[self.later.partition_point(|run| run.number <= number) - 1]
    }

    #[inline]
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
