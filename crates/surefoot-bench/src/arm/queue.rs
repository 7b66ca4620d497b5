//! The floor: partition queues read in batches, each record touched, nothing else.
//!
//! No record is owned, ordered, tracked or handed to anybody. What Surefoot adds is measured from
//! here. The batches are as large as Surefoot's, and a round that finds nothing waits in the
//! consumer's own queue, where news of the group arrive.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};

use super::poll::Positions;
use super::{ArmSpec, Outcome};
use crate::ledger::Ledger;
use crate::native::BareQueue;
use crate::settings::consumer_config;

/// As many records as Surefoot reads from a partition in one visit.
const RECORDS_A_VISIT: usize = 256;

pub(super) fn run(spec: &ArmSpec) -> Result<Outcome> {
    let config = consumer_config(&spec.bootstrap, &spec.group, &spec.client);
    let consumer: BaseConsumer<Detaching> = config.create_with_context(Detaching::default())?;
    consumer.subscribe(&[&spec.topic])?;
    let ledger = Ledger::new(spec.records, spec.keys);
    let mut positions = Positions::new(&spec.topic);
    let mut queues: Vec<(i32, BareQueue<'_>)> = Vec::new();
    while !ledger.is_complete() {
        for (topic, partition) in consumer.context().assigned().drain(..) {
            queues.push((partition, BareQueue::detach(&consumer, &topic, partition)?));
        }
        let mut idle = true;
        for (partition, queue) in &mut queues {
            let count = queue.consume(RECORDS_A_VISIT, |payload| {
                ledger.touch(payload);
            });
            idle &= count == 0;
            if let Some(next) = queue.next() {
                positions.reached(*partition, next);
            }
        }
        let patience = if idle { Duration::from_millis(1) } else { Duration::ZERO };
        match consumer.poll(patience) {
            None => {}
            Some(Ok(_)) => bail!("a record came through the consumer's own queue"),
            Some(Err(error)) => return Err(error.into()),
        }
        positions.commit_if_due(&consumer)?;
    }
    let outcome = Outcome::new(ledger.tally())?;
    positions.commit(&consumer, CommitMode::Sync)?;
    drop(queues);
    Ok(outcome)
}

/// Takes the queues of partitions out of the consumer's before they are assigned.
#[derive(Default)]
struct Detaching {
    assigned: Mutex<Vec<(String, i32)>>,
}

impl Detaching {
    fn assigned(&self) -> MutexGuard<'_, Vec<(String, i32)>> {
        // A list of names is whole at any time.
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Detaching {}

impl ConsumerContext for Detaching {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(partitions) = rebalance else { return };
        for element in partitions.elements() {
            let (topic, partition) = (element.topic().to_owned(), element.partition());
            // Without its queue a partition would be noticed where its records come out.
            drop(BareQueue::detach(consumer, &topic, partition));
            self.assigned().push((topic, partition));
        }
    }
}
