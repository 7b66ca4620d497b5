//! A topic with records, a group that is nobody else's, and what the group stored in the end.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use surefoot::{Builder, Consumer, Offset, Position, TopicPartition};

use crate::broker::{self, PATIENCE};

/// A topic of one partition with this many records, and a group.
pub(crate) struct Setup {
    pub(crate) topic: String,
    pub(crate) group: String,
}

impl Setup {
    pub(crate) fn new(records: usize) -> Self {
        // The helper has a runtime of its own, which a thread that has one refuses.
        let topic = std::thread::spawn(|| broker::topic(1)).join().unwrap();
        broker::produce(&topic, 0, 0, records);
        Self { topic, group: broker::unique("group") }
    }

    /// A consumer that leaves and joins without waiting for anybody.
    pub(crate) fn consumer(&self) -> Builder {
        Consumer::builder(broker::bootstrap(), &self.group)
            .topics([&self.topic])
            .drain_deadline(Duration::from_secs(20))
    }

    pub(crate) fn partition(&self) -> TopicPartition {
        TopicPartition::new(&*self.topic, 0)
    }

    /// What the group stores, asked by another client.
    pub(crate) fn committed(&self) -> Option<i64> {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker::bootstrap())
            .set("group.id", &self.group)
            .create()
            .unwrap();
        let mut asked = rdkafka::TopicPartitionList::new();
        asked.add_partition(&self.topic, 0);
        let stored = client.committed_offsets(asked, PATIENCE).unwrap();
        let offsets = stored.to_topic_map();
        match offsets[&(self.topic.clone(), 0)] {
            rdkafka::Offset::Offset(offset) => Some(offset),
            rdkafka::Offset::Invalid => None,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn at(offset: i64) -> Offset {
    Offset::new(offset)
}

pub(crate) fn position(offset: i64) -> Position {
    Position::new(offset)
}
