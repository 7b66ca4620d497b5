//! Dumps: what the log holds and what the group committed, read by another program at the end of a
//! run.
//!
//! A history says what a member did; only the log says what there was to do, and only the topic
//! `__consumer_offsets` says what the coordinator stored. A dump has a header, one line an entry in
//! log order, and a trailer with the count, so that one that was cut short is never taken for a
//! short log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The visible records of one partition, with the header's bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDump {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// Kafka's id of the topic, where the dumper knows it.
    pub topic_id: Option<Arc<str>>,
    /// First offset that the log still has.
    pub log_start: i64,
    /// The high watermark: one past the last offset.
    pub end: i64,
    /// The last stable offset.
    pub last_stable: i64,
    /// The records, by rising offset: no transaction markers, no aborted records.
    pub records: Vec<TopicRecord>,
}

/// A visible record of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRecord {
    /// Its offset.
    pub offset: i64,
    /// Its key, written as in `started`.
    pub key: Option<Arc<str>>,
    /// Its timestamp in milliseconds since the Unix epoch.
    pub timestamp: Option<i64>,
}

/// What the coordinator stored for a group, in the order in which it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetsDump {
    /// The group.
    pub group: Arc<str>,
    /// The stored positions, in log order.
    pub commits: Vec<CommittedLine>,
}

/// One entry of `__consumer_offsets` for the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedLine {
    /// The group.
    pub group: Arc<str>,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The stored position; absent or null for a tombstone: the entry was deleted.
    #[serde(default)]
    pub position: Option<i64>,
    /// When the coordinator stored it, in microseconds since the Unix epoch (Kafka keeps
    /// milliseconds).
    pub at: u64,
    /// Position in the dump's log order.
    #[serde(default)]
    pub seq: u64,
    /// The metadata stored beside the position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<str>>,
    /// The leader epoch stored beside the position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader_epoch: Option<i32>,
}

/// First line of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "dump", rename_all = "snake_case")]
pub(crate) enum DumpHeader {
    /// Of a partition.
    Topic(TopicHeader),
    /// Of a group's committed positions.
    Offsets(OffsetsHeader),
}

/// Header of a partition's dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicHeader {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) topic_id: Option<Arc<str>>,
    pub(crate) log_start: i64,
    pub(crate) end: i64,
    pub(crate) last_stable: i64,
}

/// Header of a dump of committed positions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OffsetsHeader {
    pub(crate) group: Arc<str>,
}

/// One line of a partition's dump. The coordinates are repeated so that each line stands for
/// itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicLine {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    #[serde(default)]
    pub(crate) key: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<i64>,
}

/// Last line of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpEnd {
    /// Always true; tells the trailer from an entry.
    pub dump_end: bool,
    /// How many entries the dump has.
    pub records: u64,
}

impl TopicDump {
    /// Writes the dump as NDJSON: header, records, trailer.
    pub fn write_to(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        let header = DumpHeader::Topic(TopicHeader {
            topic: Arc::clone(&self.topic),
            partition: self.partition,
            topic_id: self.topic_id.clone(),
            log_start: self.log_start,
            end: self.end,
            last_stable: self.last_stable,
        });
        write_line(out, &header)?;
        for record in &self.records {
            let line = TopicLine {
                topic: Arc::clone(&self.topic),
                partition: self.partition,
                offset: record.offset,
                key: record.key.clone(),
                timestamp: record.timestamp,
            };
            write_line(out, &line)?;
        }
        write_line(out, &DumpEnd::of(self.records.len()))
    }
}

impl OffsetsDump {
    /// Writes the dump as NDJSON: header, commits, trailer.
    pub fn write_to(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        let header = DumpHeader::Offsets(OffsetsHeader { group: Arc::clone(&self.group) });
        write_line(out, &header)?;
        for commit in &self.commits {
            write_line(out, commit)?;
        }
        write_line(out, &DumpEnd::of(self.commits.len()))
    }
}

impl DumpEnd {
    fn of(entries: usize) -> Self {
        Self { dump_end: true, records: entries as u64 }
    }
}

fn write_line(out: &mut impl std::io::Write, line: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
