//! What the broker is asked: topics, their ends, and what a group stores.
//!
//! An arm that says it committed is not believed; the broker is asked, by a client that was not
//! part of it.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long the broker may take for one answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a topic; whether it was not there.
pub(crate) fn create_topic(bootstrap: &str, name: &str, partitions: i32) -> Result<bool> {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create()?;
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1))
        .set("retention.ms", "-1")
        .set("message.timestamp.type", "CreateTime");
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let results = runtime.block_on(admin.create_topics(&[topic], &options))?;
    match results.into_iter().next().context("the broker answered nothing")? {
        Ok(_) => Ok(true),
        Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => Ok(false),
        Err((_, code)) => bail!("topic {name} cannot be made: {code}"),
    }
}

/// The end offset of each partition.
pub(crate) fn ends(bootstrap: &str, topic: &str) -> Result<Vec<i64>> {
    let consumer: BaseConsumer = client(bootstrap).create()?;
    let partitions = partitions_of(&consumer, topic)?;
    let end = |partition| Ok(consumer.fetch_watermarks(topic, partition, PATIENCE)?.1);
    (0..partitions).map(end).collect()
}

/// Whether the group stores the end of every partition.
pub(crate) fn ensure_committed_to_end(bootstrap: &str, group: &str, topic: &str) -> Result<()> {
    let ends = ends(bootstrap, topic)?;
    let committed = committed(bootstrap, group, topic)?;
    ensure!(
        committed.iter().zip(&ends).all(|(committed, end)| *committed == Some(*end)),
        "group {group} stores {committed:?} of {topic}, whose ends are {ends:?}"
    );
    Ok(())
}

/// What the group stores for each partition.
pub(crate) fn committed(bootstrap: &str, group: &str, topic: &str) -> Result<Vec<Option<i64>>> {
    let consumer: BaseConsumer = client(bootstrap).set("group.id", group).create()?;
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(topic, 0, partitions_of(&consumer, topic)? - 1);
    let stored = consumer.committed_offsets(asked, PATIENCE)?;
    let mut elements = stored.elements();
    elements.sort_by_key(|it| it.partition());
    elements
        .into_iter()
        .map(|element| match element.offset() {
            Offset::Offset(offset) => Ok(Some(offset)),
            Offset::Invalid => Ok(None),
            other => Err(anyhow!("the broker stores {other:?}")),
        })
        .collect()
}

fn partitions_of(consumer: &BaseConsumer, topic: &str) -> Result<i32> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let found = metadata.topics().iter().find(|it| it.name() == topic);
    let count = found.map_or(0, |it| it.partitions().len());
    ensure!(count > 0, "topic {topic} has no partition");
    Ok(i32::try_from(count)?)
}

fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}
