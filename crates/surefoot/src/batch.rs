//! A run of records of one partition for one call of a batch handler.
//!
//! The whole batch is one delivery, but its records need not end together. A handler that works for
//! minutes says how far it came, so that the commit follows; one that meets a bad record names it
//! and goes on. Each record ends once, whoever says so first: the parts that are still open are
//! kept here, and the end of the call decides about what is left.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use surefoot_core::{Attempt, Offset, Term, TopicPartition};

use crate::Failure;
use crate::record::Record;
use crate::run::{Call, Desk, End, Ends, Held, Part, Verdict, Why};

/// Records of one partition in offset order, for one call of a batch handler.
///
/// When the handler returns `Ok`, the records that it said nothing about are done. When it returns
/// an error or panics, they failed. If it looked and was told to stop early
/// ([`Batch::is_cancelled`]), the records that it said nothing about are as if they had not been
/// started.
#[derive(Debug)]
pub struct Batch {
    records: Vec<Record>,
    call: Arc<BatchCall>,
}

/// A record that a batch handler may not speak about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The batch has no such record.
    #[error("{partition}@{offset} is not in this batch, which ends at {last}")]
    NotInBatch {
        /// The batch's partition.
        partition: TopicPartition,
        /// What was asked for.
        offset: Offset,
        /// The last record of the batch.
        last: Offset,
    },
    /// The record ended before.
    #[error("{partition}@{offset} ended before: a record ends once")]
    Ended {
        /// The batch's partition.
        partition: TopicPartition,
        /// The record.
        offset: Offset,
    },
}

/// What is left to say about a batch, shared by the batch and whoever waits for its handler.
pub(crate) struct BatchCall {
    desk: Arc<Desk>,
    held: Arc<Held>,
    attempt: Attempt,
    ledger: Mutex<Ledger>,
    told: AtomicBool,
}

/// What is not handed in yet.
struct Ledger {
    /// The parts that nothing was said about, in order.
    open: Vec<Part>,
    /// The records that failed. The first failure that is handed in stops the consumer, so they
    /// wait for the end of the call, when what is done can go before.
    failed: Vec<(Part, Why)>,
}

impl Batch {
    /// A batch and what waits for its end. There is at least one record.
    pub(crate) fn new(
        records: Vec<Record>,
        attempt: Attempt,
        held: Arc<Held>,
        desk: Arc<Desk>,
    ) -> (Self, Arc<BatchCall>) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            unreachable!("the engine delivers no empty batch");
        };
        let count = u32::try_from(records.len()).expect("a fetch has fewer records than a u32");
        let all = Part { first: first.offset(), last: last.offset(), count };
        let ledger = Mutex::new(Ledger { open: vec![all], failed: Vec::new() });
        let told = AtomicBool::new(false);
        let call = Arc::new(BatchCall { desk, held, attempt, ledger, told });
        (Self { records, call: Arc::clone(&call) }, call)
    }

    /// The records, by rising offset. Offsets may leave gaps.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The records, one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Record> {
        self.records.iter()
    }

    /// How many records it has; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a batch is never empty")]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// The partition that all records come from.
    pub fn topic_partition(&self) -> TopicPartition {
        self.call.held.topic_partition()
    }

    /// Which attempt this is in its term, from one.
    pub fn attempt(&self) -> Attempt {
        self.call.attempt
    }

    /// The assignment under which it was made.
    pub fn term(&self) -> Term {
        self.call.held.term
    }

    /// Reports at once that every record up to and including `up_to` is done, except those that
    /// failed, so that the commit can follow while the handler works on. Saying it again, or for a
    /// lower offset, changes nothing.
    ///
    /// # Errors
    ///
    /// When `up_to` lies behind the batch's last record.
    pub fn finish(&self, up_to: Offset) -> Result<(), BatchError> {
        if up_to > self.last() {
            return Err(self.not_in_batch(up_to));
        }
        let mut ends = Ends::default();
        let mut ledger = self.call.ledger();
        let upper = self.records.partition_point(|record| record.offset() <= up_to);
        ledger.open.retain_mut(|part| {
            let range = self.range(*part);
            if range.start >= upper {
                return true;
            }
            let done = self.part(range.start..range.end.min(upper));
            self.call.note(&mut ends, done, Verdict::Done);
            let is_left = upper < range.end;
            if is_left {
                *part = self.part(upper..range.end);
            }
            is_left
        });
        // Handed in under the lock, so that the parts reach the history in order.
        self.call.desk.hand_in(&mut ends);
        Ok(())
    }

    /// Says that one record failed. The other records go on. When the call ends, the consumer takes
    /// no new work, finishes what runs, and stops with this record's coordinates.
    ///
    /// # Errors
    ///
    /// When the batch has no such record, or it ended before.
    pub fn fail(&self, offset: Offset, error: impl Into<Failure>) -> Result<(), BatchError> {
        let Ok(index) = self.records.binary_search_by_key(&offset, Record::offset) else {
            return Err(self.not_in_batch(offset));
        };
        let Ledger { open, failed } = &mut *self.call.ledger();
        let Some(place) = open.iter().position(|part| (part.first..=part.last).contains(&offset))
        else {
            return Err(BatchError::Ended { partition: self.topic_partition(), offset });
        };
        let range = self.range(open[place]);
        let around = [range.start..index, index + 1..range.end];
        let left = around.into_iter().filter(|range| !range.is_empty());
        open.splice(place..=place, left.map(|range| self.part(range)));
        failed.push((self.part(index..index + 1), Why::Failed(error.into())));
        Ok(())
    }

    /// Whether the handler should stop early: the consumer stops, or the partition is asked back,
    /// sought or lost. A handler that looks between records, says how far it came
    /// ([`Batch::finish`]) and returns shortens the rebalance, and nothing is repeated: the rest is
    /// left to the partition's next owner, whatever it returns.
    pub fn is_cancelled(&self) -> bool {
        let is_cancelled = self.call.held.is_cancelled();
        if is_cancelled {
            self.call.told.store(true, Ordering::Relaxed);
        }
        is_cancelled
    }

    /// Waits until [`Batch::is_cancelled`], for `select!` beside long work.
    pub async fn cancelled(&self) {
        self.call.held.cancelled().await;
        self.call.told.store(true, Ordering::Relaxed);
    }

    fn last(&self) -> Offset {
        self.records.last().expect("a batch is never empty").offset()
    }

    fn not_in_batch(&self, offset: Offset) -> BatchError {
        BatchError::NotInBatch { partition: self.topic_partition(), offset, last: self.last() }
    }

    /// Where a part's records are.
    fn range(&self, part: Part) -> Range<usize> {
        let start = self.records.partition_point(|record| record.offset() < part.first);
        start..start + part.count as usize
    }

    fn part(&self, range: Range<usize>) -> Part {
        let records = &self.records[range];
        Part {
            first: records[0].offset(),
            last: records[records.len() - 1].offset(),
            count: u32::try_from(records.len()).expect("not more than the batch"),
        }
    }
}

impl BatchCall {
    /// Decides about the records that the handler said nothing about.
    pub(crate) fn end(&self, ends: &mut Ends, end: End) {
        let mut why = match end {
            End::Returned(Ok(())) => None,
            End::Returned(Err(failure)) => Some(Why::Failed(failure)),
            End::Panicked(message) => Some(Why::Panicked(message)),
        };
        // A handler that did not look made no use of the permission to stop early.
        let is_cancelled =
            self.told.load(Ordering::Relaxed) && !matches!(why, Some(Why::Panicked(_)));
        let Ledger { open, failed } = &mut *self.ledger();
        for part in open.drain(..) {
            match &mut why {
                _ if is_cancelled => self.note(ends, part, Verdict::Cancelled),
                None => self.note(ends, part, Verdict::Done),
                Some(why) => {
                    // Each part that is left failed for the one reason that there is.
                    let same = why.repeat();
                    failed.push((part, std::mem::replace(why, same)));
                }
            }
        }
        // The lowest is the one that the consumer stops with.
        failed.sort_unstable_by_key(|(part, _)| part.first);
        for (part, why) in failed.drain(..) {
            self.note(ends, part, Verdict::Not(why));
        }
    }

    fn note(&self, ends: &mut Ends, part: Part, verdict: Verdict) {
        let call = Call { held: &self.held, attempt: self.attempt, is_batch: true };
        self.desk.note(ends, call, part, verdict);
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // It is whole whenever the lock is let go of.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = &'a Record;
    type IntoIter = std::slice::Iter<'a, Record>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::fmt::Debug for BatchCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.held.fmt(f)
    }
}
