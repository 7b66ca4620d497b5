//! Writes logs that `surefoot produce` cannot: transactions, and commits of a group.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::program::{bootstrap, fresh};

const WAIT: Duration = Duration::from_secs(20);

/// How a transaction ends.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Commit,
    Abort,
    /// It stays open as long as the writer lives.
    Open,
}

/// A transactional producer.
pub(crate) struct Writer(BaseProducer);

impl Writer {
    pub(crate) fn new() -> Self {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap())
            .set("transactional.id", fresh("writer"))
            .create()
            .unwrap();
        producer.init_transactions(WAIT).unwrap();
        Self(producer)
    }

    /// Writes the values to partition 0 in one transaction.
    pub(crate) fn transaction(&self, topic: &str, values: &[&str], end: End) {
        self.0.begin_transaction().unwrap();
        for value in values {
            let record = BaseRecord::<str, str>::to(topic).partition(0).payload(value);
            self.0.send(record).map_err(|(error, _)| error).unwrap();
        }
        self.0.flush(WAIT).unwrap();
        match end {
            End::Commit => self.0.commit_transaction(WAIT).unwrap(),
            End::Abort => self.0.abort_transaction(WAIT).unwrap(),
            End::Open => {}
        }
    }
}

/// Commits positions of partition 0 for a group, one after the other.
pub(crate) fn commit(group: &str, topic: &str, positions: &[(i64, &str)]) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    for (position, metadata) in positions {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(topic, 0);
        element.set_offset(Offset::Offset(*position)).unwrap();
        element.set_metadata(metadata);
        consumer.commit(&list, CommitMode::Sync).unwrap();
    }
}

/// What a group stores for the first partitions of a topic.
pub(crate) fn committed(group: &str, topic: &str, partitions: i32) -> Vec<Option<i64>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .set("group.id", group)
        .create()
        .unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(topic, 0, partitions - 1);
    let stored = consumer.committed_offsets(asked, WAIT).unwrap();
    stored
        .elements()
        .iter()
        .map(|element| element.offset().to_raw().filter(|it| *it >= 0))
        .collect()
}
