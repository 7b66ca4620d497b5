//! One record after the other out of a file, with the line that it came from.
//!
//! Files are larger than memory, so a bad line is found when it is reached, and everything said
//! about it needs the number that an editor shows. The readers of the formats know how to split and
//! what a field means; this file is what they have in common.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// A record that was read and not yet sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since 1970; the moment of sending without it.
    pub(super) timestamp: Option<i64>,
    pub(super) partition: Option<i32>,
}

/// Where a record begins in its file, counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineNumber(pub(super) u64);

impl fmt::Display for LineNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A line that is no record, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    pub(super) line: LineNumber,
    pub(super) why: String,
}

/// Why there is no next record.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The line is bad; the next one may be good.
    Bad(BadLine),
    /// Nothing more can be read.
    Broken(io::Error),
}

/// What becomes of a key that is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum EmptyKey {
    /// The record has no key and may go to any partition
    Null,
    /// The key is the empty text, and all of them go to one partition
    Keep,
    /// The line is bad
    Refuse,
}

impl EmptyKey {
    pub(super) fn apply(self, key: Vec<u8>) -> Result<Option<Vec<u8>>, String> {
        match self {
            _ if !key.is_empty() => Ok(Some(key)),
            Self::Null => Ok(None),
            Self::Keep => Ok(Some(key)),
            Self::Refuse => Err("the key is empty".to_owned()),
        }
    }
}

/// A source of records in one format.
pub(super) trait Drafts {
    /// The next record; `None` at the end.
    fn next(&mut self) -> Option<Result<(LineNumber, Draft), ReadError>>;
}

/// The lines of a file, without their line breaks.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(1 << 16, reader), line: Vec::new(), number: 0 }
    }

    /// The next line, which need not be UTF-8.
    pub(super) fn next(&mut self) -> Option<Result<(LineNumber, &[u8]), io::Error>> {
        self.line.clear();
        match self.reader.read_until(b'\n', &mut self.line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
        self.number += 1;
        let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        Some(Ok((LineNumber(self.number), text)))
    }
}
