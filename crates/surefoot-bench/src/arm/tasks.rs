//! The hand-written way to key parallelism: a loop that polls, and a task for each key.
//!
//! It keeps the order of keys and nothing else: it commits what it read, not what was done, so a
//! crash loses whatever was queued, and nothing bounds the queues. That is the price at which it
//! needs no tracker.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::poll::Positions;
use super::work::Work;
use super::{ArmSpec, Outcome};
use crate::settings::consumer_config;

/// The payloads of one key.
type Payloads = UnboundedReceiver<Vec<u8>>;

pub(super) fn run(spec: &ArmSpec) -> Result<Outcome> {
    let work = Arc::new(Work::new(spec));
    let (new_key, new_keys) = unbounded_channel();
    let reader = {
        let spec = spec.clone();
        thread::spawn(move || read(&spec, &new_key))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(run_keys(new_keys, &work));
    let outcome = work.outcome()?;
    reader.join().map_err(|_| anyhow!("the reader panicked"))??;
    Ok(outcome)
}

/// Starts a task for each key that comes, until every record was handled.
async fn run_keys(mut new_keys: UnboundedReceiver<Payloads>, work: &Arc<Work>) {
    while let Some(mut payloads) = new_keys.recv().await {
        let work = Arc::clone(work);
        tokio::spawn(async move {
            while let Some(payload) = payloads.recv().await {
                work.handle(Some(&payload)).await;
            }
        });
    }
    work.completed().await;
}

/// Reads to the end and commits it.
fn read(spec: &ArmSpec, new_key: &UnboundedSender<Payloads>) -> Result<()> {
    let consumer: BaseConsumer =
        consumer_config(&spec.bootstrap, &spec.group, &spec.client).create()?;
    consumer.subscribe(&[&spec.topic])?;
    let mut keys: HashMap<Vec<u8>, UnboundedSender<Vec<u8>>> = HashMap::new();
    let mut positions = Positions::new(&spec.topic);
    let mut left = spec.records;
    while left > 0 {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let key = message.key().unwrap_or_default();
                if !keys.contains_key(key) {
                    let (sender, payloads) = unbounded_channel();
                    keys.insert(key.to_owned(), sender);
                    new_key.send(payloads)?;
                }
                let payload = message.payload().unwrap_or_default().to_owned();
                keys[key].send(payload)?;
                positions.passed(message.partition(), message.offset());
                left -= 1;
            }
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(error)) => return Err(error.into()),
        }
    }
    positions.commit(&consumer, CommitMode::Sync)
}
