//! Dumps: header, entries, trailer, and nothing between or after that belongs to none.
//!
//! A dump that ends early looks like a short log, and a record that it does not have can neither be
//! lost nor left out. So the trailer with the count is part of the dump, and offsets must rise.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::error::LoadError;
use super::file::Lines;
use crate::history::{
    CommittedLine, DumpEnd, DumpHeader, OffsetsDump, TopicDump, TopicHeader, TopicRecord,
};

/// A dump that was read.
pub(super) enum Dump {
    Topic(TopicDump),
    Offsets(OffsetsDump),
}

/// One line of a partition's dump. The coordinates are repeated so that each line stands for
/// itself.
#[derive(Deserialize)]
struct RecordLine<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    partition: i32,
    offset: i64,
    #[serde(default)]
    key: Option<Arc<str>>,
    #[serde(default)]
    timestamp: Option<i64>,
}

/// Reads a file of dumps.
pub(super) fn read(path: &Path, lines: Lines<'_>) -> Result<Vec<Dump>, LoadError> {
    let mut dumps = Vec::new();
    let mut open: Option<Dump> = None;
    let mut last = 0;
    for (number, bytes) in lines {
        last = number;
        let refuse = |why: String| LoadError::Dump { file: path.to_owned(), line: number, why };
        let text = std::str::from_utf8(bytes).map_err(|_| refuse("not UTF-8".into()))?;
        let Some(dump) = &mut open else {
            let header = serde_json::from_str(text)
                .map_err(|error| refuse(format!("not the header of a dump: {error}")))?;
            open = Some(Dump::begin(header));
            continue;
        };
        let error = match dump.add(text) {
            Ok(()) => continue,
            Err(error) => error,
        };
        let end: DumpEnd = serde_json::from_str(text).map_err(|_| refuse(error))?;
        if end.records != dump.len() {
            let why =
                format!("the trailer says {} entries, the dump has {}", end.records, dump.len());
            return Err(refuse(why));
        }
        dumps.extend(open.take());
    }
    if open.is_some() {
        let why = "the dump has no trailer".to_owned();
        return Err(LoadError::Dump { file: path.to_owned(), line: last, why });
    }
    Ok(dumps)
}

impl Dump {
    fn begin(header: DumpHeader) -> Self {
        match header {
            DumpHeader::Topic(header) => {
                let TopicHeader { topic, partition, topic_id, log_start, end, last_stable } =
                    header;
                let records = Vec::new();
                Self::Topic(TopicDump {
                    topic,
                    partition,
                    topic_id,
                    log_start,
                    end,
                    last_stable,
                    records,
                })
            }
            DumpHeader::Offsets(header) => {
                Self::Offsets(OffsetsDump { group: header.group, commits: Vec::new() })
            }
        }
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        match self {
            Self::Topic(dump) => {
                let line: RecordLine<'_> =
                    serde_json::from_str(text).map_err(|error| error.to_string())?;
                let lowest = dump.records.last().map_or(dump.log_start, |record| record.offset + 1);
                if *line.topic != *dump.topic || line.partition != dump.partition {
                    return Err(format!("a record of {}[{}]", line.topic, line.partition));
                }
                if !(lowest..dump.end).contains(&line.offset) {
                    let end = dump.end;
                    return Err(format!("offset {} is not in {lowest}..{end}", line.offset));
                }
                dump.records.push(TopicRecord {
                    offset: line.offset,
                    key: line.key,
                    timestamp: line.timestamp,
                });
            }
            Self::Offsets(dump) => {
                let line: CommittedLine =
                    serde_json::from_str(text).map_err(|error| error.to_string())?;
                if line.group != dump.group {
                    return Err(format!("an entry of group {}", line.group));
                }
                dump.commits.push(line);
            }
        }
        Ok(())
    }

    fn len(&self) -> u64 {
        match self {
            Self::Topic(dump) => dump.records.len() as u64,
            Self::Offsets(dump) => dump.commits.len() as u64,
        }
    }
}
