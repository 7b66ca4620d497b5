//! The topics that are consumed: made once, filled once, counted before use.
//!
//! How large the batches are that a producer wrote changes what reading them costs by several
//! times, so it is fixed: 16 KiB, Kafka's own default. Records are spread over the partitions by
//! their key's number, so that partitions and keys are equally long and the longest chain of one
//! key is known.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::broker::{self, PATIENCE};
use crate::record::{self, Identity};
use crate::settings::PARTITIONS;

const BATCH_BYTES: u32 = 16 << 10;

/// What a topic holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Topic {
    pub(crate) records: u64,
    pub(crate) payload_bytes: usize,
    pub(crate) keys: u32,
    pub(crate) codec: &'static str,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, payload_bytes, keys, codec } = self;
        write!(
            f,
            "{records} records of {payload_bytes} B with an 8 B key, {keys} keys in turn, \
             {PARTITIONS} partitions, batches of {} KiB, compression {codec}",
            BATCH_BYTES >> 10
        )
    }
}

impl Topic {
    /// The same with a tenth of the records.
    pub(crate) fn tenth(self) -> Self {
        Self { records: self.records / 10, ..self }
    }

    /// Its name, which says what it holds, so that one that exists can be used again.
    pub(crate) fn name(&self) -> String {
        let Self { records, payload_bytes, keys, codec } = self;
        format!("bench-{payload_bytes}b-{codec}-{keys}k-{records}")
    }

    /// Makes and fills the topic unless it is there.
    pub(crate) fn seed(&self, bootstrap: &str) -> Result<()> {
        let name = self.name();
        if broker::create_topic(bootstrap, &name, PARTITIONS)? {
            eprintln!("seeding {name}: {self}");
            self.produce(bootstrap, &name).with_context(|| {
                format!("{name} cannot be filled: delete it before another try")
            })?;
        }
        let held = broker::ends(bootstrap, &name)?.iter().sum::<i64>();
        ensure!(
            held == i64::try_from(self.records)?,
            "{name} holds {held} records: delete it, it was left by an interrupted run"
        );
        Ok(())
    }

    fn produce(&self, bootstrap: &str, name: &str) -> Result<()> {
        let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("compression.type", self.codec)
            .set("batch.size", BATCH_BYTES.to_string())
            // Long enough for a batch to be full when it is sent.
            .set("linger.ms", "200")
            .set("enable.idempotence", "true")
            .create()?;
        let mut payload = vec![0; self.payload_bytes];
        for number in 0..self.records {
            let identity = Identity::new(number, self.keys);
            record::fill(&mut payload, number);
            identity.write(&mut payload);
            let key = identity.key_bytes();
            let partition = i32::try_from(identity.key % PARTITIONS.unsigned_abs())?;
            let record =
                BaseRecord::to(name).partition(partition).key(key.as_slice()).payload(&payload);
            send(&producer, record)?;
        }
        producer.flush(PATIENCE).map_err(|error| anyhow!(error))
    }
}

fn send(
    producer: &ThreadedProducer<DefaultProducerContext>,
    mut record: BaseRecord<'_, [u8], Vec<u8>>,
) -> Result<()> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                record = again;
                producer.poll(Duration::from_millis(10));
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}
