//! Counts what an arm consumes, and refuses what comes twice, late or not at all.
//!
//! Every arm touches each record in this one way, so that the touch costs all of them the same.
//! It reads the front of the payload, expects the next of its key, and adds to a checksum. Stores
//! are relaxed and nothing is read, changed and written in one step: an arm touches records from
//! one thread at a time, and the price of a locked instruction would be a tenth of what is
//! measured.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::record::{Identity, mixed};
use crate::usage;

/// What was consumed so far.
pub(crate) struct Ledger {
    expected: u64,
    next_of_key: Vec<AtomicU32>,
    count: AtomicU64,
    checksum: AtomicU64,
    violations: AtomicU64,
    first: OnceLock<Instant>,
    last: OnceLock<End>,
}

/// When the last record was touched.
#[derive(Clone, Copy, Debug)]
struct End {
    at: Instant,
    cpu: Duration,
}

/// What a ledger says in the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) checksum: u64,
    pub(crate) violations: u64,
    /// From the first record to the last.
    pub(crate) wall: Duration,
    /// CPU time of the process until the last record.
    pub(crate) cpu: Duration,
}

impl Ledger {
    /// For `expected` records of `keys` keys.
    pub(crate) fn new(expected: u64, keys: u32) -> Self {
        Self {
            expected,
            next_of_key: (0..keys).map(|_| AtomicU32::new(0)).collect(),
            count: AtomicU64::new(0),
            checksum: AtomicU64::new(0),
            violations: AtomicU64::new(0),
            first: OnceLock::new(),
            last: OnceLock::new(),
        }
    }

    /// Notes one record; whether it was the last one.
    #[inline]
    pub(crate) fn touch(&self, payload: Option<&[u8]>) -> bool {
        let identity = payload.and_then(Identity::read);
        let next = identity.and_then(|it| Some((it, self.next_of_key.get(it.key as usize)?)));
        let Some((identity, next)) = next else {
            self.violate();
            return false;
        };
        if next.load(Relaxed) != identity.nth_of_key {
            self.violate();
        }
        next.store(identity.nth_of_key + 1, Relaxed);
        let checksum = self.checksum.load(Relaxed).wrapping_add(mixed(identity.number));
        self.checksum.store(checksum, Relaxed);
        let count = self.count.load(Relaxed) + 1;
        self.count.store(count, Relaxed);
        if count == 1 {
            self.begin();
        }
        if count == self.expected {
            self.end();
        }
        count == self.expected
    }

    /// How many records were noted.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Whether every record was noted.
    pub(crate) fn is_complete(&self) -> bool {
        self.last.get().is_some()
    }

    pub(crate) fn tally(&self) -> Tally {
        let end = self.last.get().copied();
        let first = self.first.get().copied();
        let wall = first.zip(end).map_or(Duration::ZERO, |(first, end)| end.at - first);
        Tally {
            count: self.count(),
            checksum: self.checksum.load(Relaxed),
            violations: self.violations.load(Relaxed),
            wall,
            cpu: end.map_or(Duration::ZERO, |end| end.cpu),
        }
    }

    #[cold]
    fn violate(&self) {
        self.violations.fetch_add(1, Relaxed);
    }

    #[cold]
    fn begin(&self) {
        self.first.get_or_init(Instant::now);
    }

    #[cold]
    fn end(&self) {
        self.last.get_or_init(|| End { at: Instant::now(), cpu: usage::cpu_time() });
    }
}

/// The checksum of `records` records, each once.
pub(crate) fn expected_checksum(records: u64) -> u64 {
    (0..records).fold(0, |sum, number| sum.wrapping_add(mixed(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_once_and_in_order_of_its_key_is_in_order() {
        let ledger = Ledger::new(4, 2);
        let done: Vec<bool> = [1, 0, 3, 2].iter().map(|&number| touch(&ledger, number)).collect();
        assert_eq!(done, [false, false, false, true]);
        let tally = ledger.tally();
        assert_eq!((tally.count, tally.violations), (4, 0));
        assert_eq!(tally.checksum, expected_checksum(4));
    }

    #[test]
    fn repeats_gaps_and_foreign_records_are_noticed() {
        for numbers in [[0, 0, 2], [2, 0, 2], [0, 4, 2]] {
            let ledger = Ledger::new(4, 2);
            for number in numbers {
                touch(&ledger, number);
            }
            assert!(ledger.tally().violations > 0, "{numbers:?}");
        }
        let ledger = Ledger::new(4, 2);
        ledger.touch(None);
        ledger.touch(Some(b"short"));
        assert_eq!(ledger.tally().violations, 2);
    }

    fn touch(ledger: &Ledger, number: u64) -> bool {
        let mut payload = [0; 16];
        Identity::new(number, 2).write(&mut payload);
        ledger.touch(Some(&payload))
    }
}
