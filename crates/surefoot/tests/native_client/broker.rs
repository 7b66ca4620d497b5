//! Topics and records for the tests, made with another client.

use std::env;
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use surefoot_core::TopicPartition;

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn bootstrap() -> String {
    env::var("SUREFOOT_KAFKA")
        .expect("SUREFOOT_KAFKA names the bootstrap servers of the Apache Kafka to test against")
}

/// A name that no other test and no other run uses.
pub(crate) fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    format!("native-{what}-{now}-{}-{count}", process::id())
}

/// A new topic with this many partitions.
pub(crate) fn topic(partitions: i32) -> String {
    static ADMIN: LazyLock<AdminClient<DefaultClientContext>> = LazyLock::new(|| {
        ClientConfig::new().set("bootstrap.servers", bootstrap()).create().unwrap()
    });
    let name = unique("topic");
    // The records carry a fixed time, long past any retention.
    let topic =
        NewTopic::new(&name, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
    let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(5)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // A busy machine lets the broker miss its own session, and then it answers nobody for a while.
    let deadline = Instant::now() + PATIENCE;
    loop {
        match runtime.block_on(ADMIN.create_topics([&topic], &options)).as_deref() {
            Ok([Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))]) => return name,
            refused => assert!(Instant::now() < deadline, "topic {name}: {refused:?}"),
        }
    }
}

pub(crate) fn partition(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

fn producer(options: &[(&str, &str)]) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap()).set("linger.ms", "1");
    for (key, value) in options {
        config.set(*key, *value);
    }
    config.create().unwrap()
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, payloads: &[String]) {
    for payload in payloads {
        let headers = OwnedHeaders::new()
            .insert(Header { key: "n", value: Some(payload) })
            .insert(Header { key: "null", value: None::<&[u8]> });
        let record = BaseRecord::to(topic)
            .partition(partition)
            .key(payload)
            .payload(payload)
            .timestamp(1_700_000_000_000)
            .headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// Appends `count` records with payloads `first`, `first + 1`, …
pub(crate) fn produce(topic: &str, partition: i32, first: usize, count: usize) {
    let payloads: Vec<_> = (first..first + count).map(|number| number.to_string()).collect();
    send(&producer(&[]), topic, partition, &payloads);
}

/// How a transaction ends.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Commit,
    Abort,
}

/// Appends `count` records in one transaction, and its marker.
pub(crate) fn produce_transaction(topic: &str, partition: i32, count: usize, end: End) {
    let producer = producer(&[("transactional.id", &unique("txn"))]);
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    let payloads: Vec<_> = (0..count).map(|number| number.to_string()).collect();
    send(&producer, topic, partition, &payloads);
    match end {
        End::Commit => producer.commit_transaction(PATIENCE).unwrap(),
        End::Abort => producer.abort_transaction(PATIENCE).unwrap(),
    }
}
