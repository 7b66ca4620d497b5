//! How one record is written: a line for people, JSON for programs, or only its bytes.
//!
//! Keys and values are bytes; what is no text is written as base64 and says so, because a reader
//! must be able to tell it from a text that looks the same.

use std::io::{self, Write};

use clap::ValueEnum;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use serde::Serialize;
use surefoot::Record;

use crate::instant::render_millis;
use crate::record_text::Text;

/// The value of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// topic[partition]@offset, time, key, value, headers; separated by tabs
    Text,
    /// One JSON object a line; `surefoot produce --format ndjson` reads it back
    Json,
    /// The bytes of the value and a line break
    Value,
    /// Key, tab, value, line break
    KeyValue,
}

/// A record, wherever it was read.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    key: Option<Text<'a>>,
    value: Option<Text<'a>>,
    headers: Vec<HeaderLine<'a>>,
}

#[derive(Debug, Serialize)]
struct HeaderLine<'a> {
    key: &'a str,
    value: Option<Text<'a>>,
}

impl Format {
    /// Writes one record.
    pub(super) fn write(self, out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
        match self {
            Self::Text => write_text(out, line),
            Self::Json => {
                serde_json::to_writer(&mut *out, line)?;
                out.write_all(b"\n")
            }
            Self::Value => {
                out.write_all(bytes(&line.value))?;
                out.write_all(b"\n")
            }
            Self::KeyValue => {
                out.write_all(bytes(&line.key))?;
                out.write_all(b"\t")?;
                out.write_all(bytes(&line.value))?;
                out.write_all(b"\n")
            }
        }
    }
}

impl<'a> From<&'a BorrowedMessage<'_>> for Line<'a> {
    fn from(record: &'a BorrowedMessage<'_>) -> Self {
        let headers = record.headers().into_iter().flat_map(Headers::iter);
        Self {
            topic: record.topic(),
            partition: record.partition(),
            offset: record.offset(),
            timestamp: record.timestamp().to_millis(),
            key: record.key().map(Text),
            value: record.payload().map(Text),
            headers: headers
                .map(|header| HeaderLine { key: header.key, value: header.value.map(Text) })
                .collect(),
        }
    }
}

impl<'a> From<&'a Record> for Line<'a> {
    fn from(record: &'a Record) -> Self {
        let headers = record.headers();
        Self {
            topic: record.topic(),
            partition: record.partition(),
            offset: record.offset().get(),
            timestamp: record.timestamp(),
            key: record.key().map(Text),
            value: record.payload().map(Text),
            headers: headers
                .map(|header| HeaderLine { key: header.name, value: header.value.map(Text) })
                .collect(),
        }
    }
}

fn bytes<'a>(text: &Option<Text<'a>>) -> &'a [u8] {
    text.map_or(&[], |text| text.0)
}

fn write_text(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    let plain = |text: &Option<Text<'_>>| text.map_or_else(|| "null".to_owned(), Text::plain);
    let time = line.timestamp.map_or_else(|| "-".to_owned(), render_millis);
    write!(
        out,
        "{}[{}]@{}\t{time}\t{}\t{}",
        line.topic,
        line.partition,
        line.offset,
        plain(&line.key),
        plain(&line.value)
    )?;
    for header in &line.headers {
        write!(out, "\t{}={}", header.key, plain(&header.value))?;
    }
    out.write_all(b"\n")
}
