//! The client options that every consuming arm gets.
//!
//! A client that is left at its defaults and one that is tuned differ by more than what is
//! measured, so all arms get the same options, written out. They are what Surefoot itself chooses
//! for its default byte budget and eight partitions: prefetch queues that are deep enough to keep
//! busy and small enough to stay in the cache, which suits every arm better than librdkafka's own
//! defaults do.

use std::str::FromStr;

use anyhow::{Context, bail};
use rdkafka::ClientConfig;

/// Topics of the benchmarks have this many partitions.
pub(crate) const PARTITIONS: i32 = 8;

const OPTIONS: [(&str, &str); 9] = [
    ("check.crcs", "true"),
    ("fetch.max.bytes", "4194304"),
    ("fetch.message.max.bytes", "524288"),
    ("fetch.queue.backoff.ms", "2"),
    ("fetch.wait.max.ms", "100"),
    ("isolation.level", "read_committed"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("queued.max.messages.kbytes", "2048"),
    ("queued.min.messages", "3426"),
];

/// One client option given by hand.
#[derive(Clone, Debug)]
pub(crate) struct ClientOption {
    key: String,
    value: String,
}

impl FromStr for ClientOption {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text
            .split_once('=')
            .with_context(|| format!("`{text}` sets nothing: write it as KEY=VALUE"))?;
        if key.is_empty() {
            bail!("`{text}` names no option: write it as KEY=VALUE");
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

/// The options, with those given by hand instead of or beside the usual ones.
pub(crate) fn with(by_hand: &[ClientOption]) -> Vec<(String, String)> {
    let mut options: Vec<_> =
        OPTIONS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    for ClientOption { key, value } in by_hand {
        options.retain(|(usual, _)| usual != key);
        options.push((key.clone(), value.clone()));
    }
    options
}

/// A consumer of `rdkafka` that commits only what it is told to.
pub(crate) fn consumer_config(
    bootstrap: &str,
    group: &str,
    options: &[(String, String)],
) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true");
    for (key, value) in options {
        config.set(key, value);
    }
    config
}
