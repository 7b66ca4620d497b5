//! What the engine is told once, and the combinations that cannot hold.
//!
//! Policies are small structs whose every value is legal; what contradicts is refused when the
//! engine is made, with the reason, before anything is read.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use crate::Position;

/// Everything that the engine needs to know before its first input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// What is promised.
    pub guarantee: Guarantee,
    /// Which records may run at the same time.
    pub processing_order: ProcessingOrder,
    /// What a handler receives.
    pub delivery_unit: DeliveryUnit,
    /// When the engine commits.
    pub commit: CommitPolicy,
    /// How much may be held.
    pub budget: Budget,
    /// Where a partition starts.
    pub start: StartPolicy,
    /// How long giving partitions back may take.
    pub drain_deadline: Duration,
    /// How long a commit may stay unanswered before it counts as unknown. Default 10 s.
    pub commit_timeout: Duration,
}

/// What is promised about each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// No record is started twice, in any crash; at most the commit window is lost in one.
    AtMostOnce,
    /// No record is lost; records that were not committed are started again after a crash.
    AtLeastOnce,
}

/// Which records of a partition may run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessingOrder {
    /// One at a time, in offset order.
    Partition,
    /// Records of one key one at a time in offset order; keys, and records without a key, beside
    /// each other.
    Key,
    /// Any number in any order.
    Unordered,
}

/// What one call of a handler receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryUnit {
    /// One record.
    Record,
    /// The records of one fetch of one partition. Batches of a partition run one at a time, so
    /// that they keep the order of partitions and keys, unless the order is unordered.
    Batch,
}

/// When offsets are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitPolicy {
    /// When the first of the given conditions holds, and when a partition is given back. At least
    /// one must be given.
    Auto {
        /// After this many records of a partition finished. At-most-once: how many records of
        /// this consumer may be committed ahead of their end, which is what a crash can lose.
        /// One commits after (before) every record.
        every_records: Option<NonZeroU32>,
        /// After this time with something to commit.
        every: Option<Duration>,
    },
    /// Only when the application asks, not even when a partition is given back.
    Manual,
}

/// How much the engine holds before it stops reading. At each limit the partition pauses; it flows
/// again at half of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Deliveries that run at the same time. Default 256.
    pub max_in_flight: NonZeroUsize,
    /// Records that were read and did not end, over all partitions, each partition with an equal
    /// share. A fetch that was under way when the limit was met may go beyond it. Default 20,000.
    pub max_buffered_records: NonZeroUsize,
    /// The same in bytes. Default 64 MiB.
    pub max_buffered_bytes: NonZeroUsize,
    /// Records of one partition above its committed position that were delivered, finished or
    /// not. Default 1,000,000.
    pub max_uncommitted_records: NonZeroUsize,
    /// How long finished work may stay uncommitted before its partition pauses. Default 5 min.
    pub max_uncommitted_age: Duration,
}

/// Where a partition starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartPolicy {
    /// Without a committed offset. A partition that is added to its topic while this consumer runs
    /// begins at its first record, whatever this says. Default [`StartAt::Beginning`].
    pub without_commit: StartAt,
    /// With a committed offset outside the log. Default [`OutOfRange::Fail`].
    pub out_of_range: OutOfRange,
}

/// Where to start without a committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// The first record that the log has.
    Beginning,
    /// Behind the last one: what is there now is not read.
    End,
    /// The first record at or after this time, in milliseconds since the Unix epoch.
    Timestamp(i64),
    /// This position.
    Position(Position),
    /// Nowhere: stop with an error.
    Fail,
}

/// What to do with a committed offset outside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfRange {
    /// Stop with an error that names the partition, the offset and the log's ends.
    Fail,
    /// Go on at the first record that the log has, and say what was missed.
    Beginning,
    /// Go on behind the last record, and say what was passed over.
    End,
}

/// A combination that cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An automatic policy without a condition would never commit.
    #[error(
        "commit policy has neither a number of records nor an interval: give one, or choose manual"
    )]
    EmptyCommitPolicy,
    /// At-most-once commits before each start, so it has no other time to commit.
    #[error(
        "at-most-once commits ahead of each start: a commit interval cannot apply, give a number \
         of records (every_records) only"
    )]
    IntervalUnderAtMostOnce,
    /// At-most-once cannot leave the commit to the application.
    #[error(
        "at-most-once starts a record only after its commit: manual commits cannot hold it, use \
         at-least-once"
    )]
    ManualUnderAtMostOnce,
    /// A zero interval would commit without end.
    #[error("commit interval is zero: give every_records = 1 to commit each record")]
    ZeroInterval,
    /// Nothing could finish in no time.
    #[error("drain deadline is zero: running handlers could never finish before a release")]
    ZeroDrainDeadline,
}

impl EngineConfig {
    /// The defaults under this guarantee: key order, one record a delivery; at-least-once commits
    /// every second, at-most-once before each record.
    pub fn new(guarantee: Guarantee) -> Self {
        Self {
            guarantee,
            processing_order: ProcessingOrder::Key,
            delivery_unit: DeliveryUnit::Record,
            commit: CommitPolicy::default_of(guarantee),
            budget: Budget::default(),
            start: StartPolicy::default(),
            drain_deadline: Duration::from_secs(30),
            commit_timeout: Duration::from_secs(10),
        }
    }

    /// Refuses combinations that cannot hold.
    ///
    /// # Errors
    ///
    /// The first contradiction found.
    pub(crate) fn checked(self) -> Result<Self, ConfigError> {
        if self.drain_deadline.is_zero() {
            return Err(ConfigError::ZeroDrainDeadline);
        }
        match (self.guarantee, self.commit) {
            (_, CommitPolicy::Auto { every: Some(every), .. }) if every.is_zero() => {
                Err(ConfigError::ZeroInterval)
            }
            (_, CommitPolicy::Auto { every_records: None, every: None }) => {
                Err(ConfigError::EmptyCommitPolicy)
            }
            (Guarantee::AtMostOnce, CommitPolicy::Manual) => {
                Err(ConfigError::ManualUnderAtMostOnce)
            }
            (Guarantee::AtMostOnce, CommitPolicy::Auto { every: Some(_), .. }) => {
                Err(ConfigError::IntervalUnderAtMostOnce)
            }
            _ => Ok(self),
        }
    }

    /// How many records at-most-once may commit ahead.
    pub(crate) fn window(&self) -> u64 {
        match self.commit {
            CommitPolicy::Auto { every_records: Some(records), .. } => u64::from(records.get()),
            _ => 1,
        }
    }
}

impl CommitPolicy {
    /// At-least-once: every second. At-most-once: before each record.
    pub fn default_of(guarantee: Guarantee) -> Self {
        match guarantee {
            Guarantee::AtLeastOnce => {
                Self::Auto { every_records: None, every: Some(Duration::from_secs(1)) }
            }
            Guarantee::AtMostOnce => {
                Self::Auto { every_records: Some(NonZeroU32::MIN), every: None }
            }
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        const fn size(n: usize) -> NonZeroUsize {
            NonZeroUsize::new(n).expect("not zero")
        }
        Self {
            max_in_flight: size(256),
            max_buffered_records: size(20_000),
            max_buffered_bytes: size(64 << 20),
            max_uncommitted_records: size(1_000_000),
            max_uncommitted_age: Duration::from_secs(300),
        }
    }
}

impl Default for StartPolicy {
    fn default() -> Self {
        Self { without_commit: StartAt::Beginning, out_of_range: OutOfRange::Fail }
    }
}
