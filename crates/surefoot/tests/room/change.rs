//! Changes to topics while somebody reads them.

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::runtime::{Builder, Runtime};

use crate::broker;

fn admin() -> (AdminClient<DefaultClientContext>, Runtime) {
    let servers = broker::bootstrap();
    let admin = ClientConfig::new().set("bootstrap.servers", servers).create().unwrap();
    (admin, Builder::new_current_thread().build().unwrap())
}

/// Gives a topic more partitions, this many in all.
pub(crate) fn add_partitions(topic: &str, count: usize) {
    let (admin, runtime) = admin();
    let new = NewPartitions::new(topic, count);
    let made = runtime.block_on(admin.create_partitions([&new], &AdminOptions::new())).unwrap();
    made.into_iter().for_each(|result| {
        result.unwrap();
    });
}

/// Deletes the records of a partition below an offset.
pub(crate) fn delete_records(topic: &str, partition: i32, below: i64) {
    let (admin, runtime) = admin();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, partition, Offset::Offset(below)).unwrap();
    runtime.block_on(admin.delete_records(&offsets, &AdminOptions::new())).unwrap();
}
