//! Which file is read, in which format, and which options make sense for it.
//!
//! An option that the format cannot honour is refused: a `--key` that is silently ignored would
//! spread one key's records over all partitions, and nobody would see it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::ValueEnum;
use indicatif::ProgressBar;

use crate::complaint::Complaint;
use crate::interrupt::Interrupt;
use crate::produce::Produce;
use crate::produce::csv::{Columns, RowValue, Rows};
use crate::produce::input::Drafts;
use crate::produce::lines::PlainLines;
use crate::produce::ndjson::{Fields, JsonLines};
use crate::produce::patient::Patient;

/// The value of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Each line is a value, or key and value with --key-separator
    Lines,
    /// Each line is JSON: a record with its fields, or with --key a value
    Ndjson,
    /// A header line, then rows
    Csv,
}

/// A name for messages, and the bytes.
pub(super) struct Source<'a> {
    pub(super) name: String,
    pub(super) drafts: Box<dyn Drafts + 'a>,
}

impl Format {
    /// What the file's name suggests.
    fn of(file: Option<&Path>) -> Self {
        let extension = file.and_then(Path::extension).and_then(|text| text.to_str());
        match extension {
            Some("csv") => Self::Csv,
            Some("ndjson" | "jsonl" | "json") => Self::Ndjson,
            _ => Self::Lines,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// Refuses options that the format cannot honour. Says nothing about the input itself.
pub(super) fn check(args: &Produce) -> Result<Format, Complaint> {
    let format = args.format.unwrap_or_else(|| Format::of(args.file()));
    let misplaced = match format {
        Format::Lines if args.key.is_some() => Some(("--key", "lines take --key-separator")),
        Format::Lines | Format::Ndjson if args.value.is_some() => {
            Some(("--value", "it chooses among CSV columns"))
        }
        Format::Lines if args.timestamp_column.is_some() => {
            Some(("--timestamp-column", "lines have no columns"))
        }
        Format::Ndjson if args.timestamp_column.is_some() && args.key.is_none() => Some((
            "--timestamp-column",
            "without --key each line has a field \"timestamp\" of its own",
        )),
        Format::Csv | Format::Ndjson if args.key_separator.is_some() => {
            Some(("--key-separator", "--key names the key's column or field"))
        }
        _ => None,
    };
    match misplaced {
        Some((option, why)) => {
            Err(Complaint::refused(format!("{option} does not go with --format {}", format.name()))
                .hint(why))
        }
        None => Ok(format),
    }
}

/// Opens the input; `progress` follows its bytes.
pub(super) fn open<'a>(
    args: &Produce,
    format: Format,
    stdin: Box<dyn Read + Send>,
    interrupt: &'a Interrupt,
    progress: &ProgressBar,
) -> Result<Source<'a>, Complaint> {
    let (name, reader): (String, Box<dyn Read + 'a>) = match args.file() {
        None => {
            let patient = Patient::new(stdin, interrupt);
            ("standard input".to_owned(), Box::new(progress.wrap_read(patient)))
        }
        Some(path) => {
            let file = File::open(path).map_err(|error| Complaint::file(path, &error))?;
            let metadata = file.metadata().map_err(|error| Complaint::file(path, &error))?;
            if metadata.is_dir() {
                return Err(Complaint::refused(format!("{} is a directory", path.display())));
            }
            let name = path.display().to_string();
            if metadata.is_file() {
                progress.set_length(metadata.len());
                (name, Box::new(progress.wrap_read(file)))
            } else {
                let patient = Patient::new(file, interrupt);
                (name, Box::new(progress.wrap_read(patient)))
            }
        }
    };
    let drafts: Box<dyn Drafts + 'a> = match format {
        Format::Lines => {
            Box::new(PlainLines::new(reader, args.key_separator.clone(), args.empty_key))
        }
        Format::Ndjson => Box::new(JsonLines::new(
            reader,
            args.key.clone().map(|key| Fields {
                key,
                empty_key: args.empty_key,
                timestamp: args.timestamp_column.clone(),
            }),
        )),
        Format::Csv => {
            let columns = Columns {
                key: args.key.as_deref(),
                empty_key: args.empty_key,
                value: RowValue::from(args.value.as_deref().unwrap_or("json")),
                timestamp: args.timestamp_column.as_deref(),
            };
            Box::new(Rows::new(reader, &columns).map_err(|complaint| complaint.within(&name))?)
        }
    };
    Ok(Source { name, drafts })
}
