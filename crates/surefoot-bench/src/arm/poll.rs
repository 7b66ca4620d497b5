//! The baseline that most applications use: one record a call of `BaseConsumer::poll`.
//!
//! It commits like the others: its own positions, once a second and at the end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};

use super::{ArmSpec, Outcome};
use crate::ledger::Ledger;
use crate::settings::{PARTITIONS, consumer_config};

/// How often every arm commits.
pub(super) const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// How many records pass between two looks at the clock, which costs as much as a record does.
const RECORDS_A_LOOK: u64 = 1024;

pub(super) fn run(spec: &ArmSpec) -> Result<Outcome> {
    let consumer: BaseConsumer =
        consumer_config(&spec.bootstrap, &spec.group, &spec.client).create()?;
    consumer.subscribe(&[&spec.topic])?;
    let ledger = Ledger::new(spec.records, spec.keys);
    let mut positions = Positions::new(&spec.topic);
    while !ledger.is_complete() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                ledger.touch(message.payload());
                positions.passed(message.partition(), message.offset());
            }
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(error)) => return Err(error.into()),
        }
        if ledger.count().is_multiple_of(RECORDS_A_LOOK) {
            positions.commit_if_due(&consumer)?;
        }
    }
    let outcome = Outcome::new(ledger.tally())?;
    positions.commit(&consumer, CommitMode::Sync)?;
    Ok(outcome)
}

/// Where a hand-written loop has got to, for its commits.
pub(super) struct Positions<'a> {
    topic: &'a str,
    next: Vec<Option<i64>>,
    committed_at: Instant,
}

impl<'a> Positions<'a> {
    pub(super) fn new(topic: &'a str) -> Self {
        let next = vec![None; PARTITIONS.unsigned_abs() as usize];
        Self { topic, next, committed_at: Instant::now() }
    }

    pub(super) fn passed(&mut self, partition: i32, offset: i64) {
        self.reached(partition, offset + 1);
    }

    pub(super) fn reached(&mut self, partition: i32, position: i64) {
        self.next[partition.unsigned_abs() as usize] = Some(position);
    }

    pub(super) fn commit_if_due(
        &mut self,
        consumer: &BaseConsumer<impl rdkafka::consumer::ConsumerContext>,
    ) -> Result<()> {
        if self.committed_at.elapsed() >= COMMIT_EVERY {
            self.committed_at = Instant::now();
            self.commit(consumer, CommitMode::Async)?;
        }
        Ok(())
    }

    pub(super) fn commit(
        &self,
        consumer: &BaseConsumer<impl rdkafka::consumer::ConsumerContext>,
        mode: CommitMode,
    ) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for (partition, next) in (0..).zip(&self.next) {
            if let Some(next) = next {
                list.add_partition_offset(self.topic, partition, Offset::Offset(*next))?;
            }
        }
        if list.count() == 0 {
            return Ok(());
        }
        consumer.commit(&list, mode).context("the offsets cannot be committed")
    }
}
