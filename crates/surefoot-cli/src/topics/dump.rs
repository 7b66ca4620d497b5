//! `surefoot topics dump`: what the log holds, in the form that `surefoot check` reads.
//!
//! The judge trusts this more than any member, so it is read by offset and to the end: from the log
//! start to the last stable offset, records of committed transactions only. Bounds are taken before
//! the first record is read; what is produced later is not part of the dump.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rdkafka::message::{BorrowedMessage, Message};
use surefoot_check::history::{TopicDump, TopicRecord};

use crate::cluster::{Cluster, Isolation, LogReader, Next, READER_DECIDED, Span};
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;
use crate::interrupt::Interrupt;

/// How long to wait for a record before signals are looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Arguments of `surefoot topics dump`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  surefoot topics dump orders > run/orders.ndjson
  surefoot offsets dump billing > run/offsets.ndjson
  surefoot check run/")]
pub(crate) struct Dump {
    /// The topic
    topic: String,
}

pub(crate) fn run(cluster: &Cluster, args: &Dump, env: &mut Env) -> Result<Exit, Complaint> {
    cluster.refuse(READER_DECIDED)?;
    let interrupt = Interrupt::watch()?;
    let mut dumps = empty_dumps(cluster, &args.topic)?;
    let spans: Vec<Span> = dumps.values().map(span_of).collect();
    let mut reader = LogReader::open(cluster, &args.topic, Isolation::ReadCommitted, &spans)?;
    loop {
        if interrupt.came() {
            return Ok(Exit::Interrupted);
        }
        match reader.next(GLANCE)? {
            Next::Record(message) => {
                if let Some(dump) = dumps.get_mut(&message.partition()) {
                    dump.records.push(record_of(&message));
                }
            }
            Next::Nothing => {}
            Next::Done => break,
        }
    }
    for dump in dumps.values() {
        dump.write_to(&mut env.stdout).map_err(|error| Complaint::output(&error))?;
    }
    env.print("")?;
    env.done()
}

fn empty_dumps(cluster: &Cluster, topic: &str) -> Result<BTreeMap<i32, TopicDump>, Complaint> {
    let committed = cluster.connect(Isolation::ReadCommitted)?;
    let uncommitted = cluster.connect(Isolation::ReadUncommitted)?;
    let ids = committed.partitions(topic)?;
    let stable = committed.bounds(topic, &ids)?;
    let bounds = uncommitted.bounds(topic, &ids)?;
    let name: Arc<str> = topic.into();
    let dumps = stable.into_iter().zip(bounds).map(|(stable, bounds)| {
        let dump = TopicDump {
            topic: Arc::clone(&name),
            partition: stable.id,
            topic_id: None,
            log_start: stable.log_start,
            end: bounds.end,
            last_stable: stable.end,
            records: Vec::new(),
        };
        (stable.id, dump)
    });
    Ok(dumps.collect())
}

fn span_of(dump: &TopicDump) -> Span {
    Span { partition: dump.partition, start: dump.log_start, end: Some(dump.last_stable) }
}

fn record_of(message: &BorrowedMessage<'_>) -> TopicRecord {
    TopicRecord {
        offset: message.offset(),
        key: message.key().map(key_text),
        timestamp: message.timestamp().to_millis(),
    }
}

/// The key as members write it into their histories: its text, or its bytes in hex.
fn key_text(key: &[u8]) -> Arc<str> {
    match std::str::from_utf8(key) {
        Ok(text) => text.into(),
        Err(_) => key.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
    }
}
