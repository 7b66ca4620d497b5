//! `surefoot offsets dump`: every commit of a group, in the order in which the coordinator stored
//! them.
//!
//! Asking the coordinator gives the last commit only; whether a commit ever moved back stands in
//! the log of `__consumer_offsets` alone. A group lives in one partition of it. Kafka compacts that
//! topic, so a dump long after a run may lack commits that later ones replaced: dump right after
//! it.

use std::time::Duration;

use clap::Args;
use rdkafka::message::{BorrowedMessage, Message};
use surefoot_check::history::{CommittedLine, OffsetsDump};

use crate::cluster::{Cluster, Isolation, LogReader, Next, READER_DECIDED, Span};
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::offsets::commit_record::{CommitKey, CommitValue, DecodeError, home_of};

/// Kafka's topic of committed positions.
const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// How long to wait for a record before signals are looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Arguments of `surefoot offsets dump`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  surefoot offsets dump billing > run/offsets.ndjson

The user needs permission to read the topic __consumer_offsets.")]
pub(crate) struct Dump {
    /// The group
    group: String,
}

pub(crate) fn run(cluster: &Cluster, args: &Dump, env: &mut Env) -> Result<Exit, Complaint> {
    cluster.refuse(READER_DECIDED)?;
    let interrupt = Interrupt::watch()?;
    let span = home_span(cluster, &args.group)?;
    let mut reader = LogReader::open(cluster, OFFSETS_TOPIC, Isolation::ReadCommitted, &[span])?;
    let mut dump = OffsetsDump { group: args.group.as_str().into(), commits: Vec::new() };
    loop {
        if interrupt.came() {
            return Ok(Exit::Interrupted);
        }
        match reader.next(GLANCE)? {
            Next::Record(message) => {
                let line = line_of(&message, &args.group).map_err(|error| {
                    Complaint::cluster(format!(
                        "{OFFSETS_TOPIC}[{}]@{} cannot be read: {error}",
                        message.partition(),
                        message.offset()
                    ))
                    .hint("a newer Kafka may have written it; a newer surefoot may know it")
                })?;
                dump.commits.extend(line);
            }
            Next::Nothing => {}
            Next::Done => break,
        }
    }
    if dump.commits.is_empty() {
        env.remark(&format!("group {:?} has no commits in {OFFSETS_TOPIC}", args.group));
    }
    dump.write_to(&mut env.stdout).map_err(|error| Complaint::output(&error))?;
    env.print("")?;
    env.done()
}

fn home_span(cluster: &Cluster, group: &str) -> Result<Span, Complaint> {
    let connection = cluster.connect(Isolation::ReadCommitted)?;
    let ids = connection.partitions(OFFSETS_TOPIC)?;
    let count = i32::try_from(ids.len()).expect("partition ids are 32 bits");
    let home = home_of(group, count);
    let bounds = connection.bounds(OFFSETS_TOPIC, &[home])?;
    let bounds = bounds.first().expect("one partition was asked for");
    Ok(Span { partition: home, start: bounds.log_start, end: Some(bounds.end) })
}

/// A commit of the group; `None` for every other record.
fn line_of(
    message: &BorrowedMessage<'_>,
    group: &str,
) -> Result<Option<CommittedLine>, DecodeError> {
    let Some(key) = CommitKey::decode(message.key().unwrap_or_default())? else {
        return Ok(None);
    };
    if key.group != group {
        return Ok(None);
    }
    let value = message.payload().map(CommitValue::decode).transpose()?;
    let millis = match &value {
        Some(value) => Some(value.committed_at),
        None => message.timestamp().to_millis(),
    };
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    Ok(Some(CommittedLine {
        group: group.into(),
        topic: key.topic.into(),
        partition: key.partition,
        position: value.as_ref().map(|value| value.position),
        at: millis.unwrap_or_default() * 1000,
        seq: u64::try_from(message.offset()).unwrap_or_default(),
        leader_epoch: value.as_ref().and_then(|value| value.leader_epoch),
        metadata: value.map(|value| value.metadata.into()),
    }))
}
