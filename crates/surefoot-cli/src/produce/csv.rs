//! CSV with a header line: a column is the key, the row or a column is the value.
//!
//! Quoted cells may hold line breaks, so a row is not a line; the number that is reported is the
//! line on which the row begins. Cells stay text: a flight number with a leading zero is not a
//! number.

use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord};
use serde::Serializer;

use crate::complaint::Complaint;
use crate::instant::parse_millis;
use crate::produce::input::{BadLine, Draft, Drafts, EmptyKey, LineNumber, ReadError};

/// Which part of a row becomes the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowValue {
    /// An object with a field for each column.
    Json,
    /// The row itself, as CSV.
    Row,
    Column(String),
}

impl From<&str> for RowValue {
    fn from(text: &str) -> Self {
        match text {
            "json" => Self::Json,
            "csv-row" => Self::Row,
            column => Self::Column(column.to_owned()),
        }
    }
}

/// Which columns mean what.
#[derive(Debug, Clone)]
pub(super) struct Columns<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) empty_key: EmptyKey,
    pub(super) value: RowValue,
    pub(super) timestamp: Option<&'a str>,
}

enum Cells {
    Json,
    Row,
    Column(usize),
}

/// Reads rows.
pub(super) struct Rows<R> {
    reader: Reader<R>,
    header: StringRecord,
    key: Option<usize>,
    empty_key: EmptyKey,
    value: Cells,
    timestamp: Option<usize>,
    row: ByteRecord,
}

impl<R: Read> Rows<R> {
    /// Reads the header line and finds the columns in it.
    pub(super) fn new(reader: R, columns: &Columns<'_>) -> Result<Self, Complaint> {
        let mut reader = ReaderBuilder::new().from_reader(reader);
        let header = reader.headers().map_err(|error| {
            Complaint::refused(format!("the header line cannot be read: {error}"))
        })?;
        let header = header.clone();
        if header.is_empty() {
            return Err(Complaint::refused("the CSV file has no header line"));
        }
        let mut names: Vec<&str> = header.iter().collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Complaint::refused(format!("two columns are called {:?}", pair[0]))
                .hint("give each column of the header line a name of its own"));
        }
        let value = match &columns.value {
            RowValue::Json => Cells::Json,
            RowValue::Row => Cells::Row,
            RowValue::Column(name) => Cells::Column(find(&header, name, "--value")?),
        };
        Ok(Self {
            key: columns.key.map(|name| find(&header, name, "--key")).transpose()?,
            empty_key: columns.empty_key,
            timestamp: columns
                .timestamp
                .map(|name| find(&header, name, "--timestamp-column"))
                .transpose()?,
            value,
            reader,
            header,
            row: ByteRecord::new(),
        })
    }

    fn draft(&self, row: &StringRecord) -> Result<Draft, String> {
        let key = match self.key {
            Some(column) => self.empty_key.apply(row[column].as_bytes().to_vec())?,
            None => None,
        };
        let timestamp = self.timestamp.map(|column| parse_millis(&row[column])).transpose()?;
        let value = match self.value {
            Cells::Json => self.object(row),
            Cells::Row => csv_line(row),
            Cells::Column(column) => row[column].as_bytes().to_vec(),
        };
        Ok(Draft { key, value: Some(value), timestamp, ..Draft::default() })
    }

    fn object(&self, row: &StringRecord) -> Vec<u8> {
        let mut object = Vec::with_capacity(4 * row.as_slice().len());
        // Not through a map, which would sort the columns.
        serde_json::Serializer::new(&mut object)
            .collect_map(self.header.iter().zip(row))
            .expect("names and cells are text");
        object
    }
}

impl<R: Read> Drafts for Rows<R> {
    fn next(&mut self) -> Option<Result<(LineNumber, Draft), ReadError>> {
        match self.reader.read_byte_record(&mut self.row) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(read_error(error, &self.reader))),
        }
        let line = LineNumber(self.row.position().map_or(0, csv::Position::line));
        let draft = match StringRecord::from_byte_record(self.row.clone()) {
            Ok(row) => self.draft(&row),
            Err(_) => Err("the row is not UTF-8".to_owned()),
        };
        Some(match draft {
            Ok(draft) => Ok((line, draft)),
            Err(why) => Err(ReadError::Bad(BadLine { line, why })),
        })
    }
}

fn find(header: &StringRecord, name: &str, option: &str) -> Result<usize, Complaint> {
    header.iter().position(|column| column == name).ok_or_else(|| {
        let columns: Vec<&str> = header.iter().collect();
        Complaint::refused(format!("the CSV file has no column {name:?}"))
            .hint(format!("{option} takes one of {}", columns.join(", ")))
    })
}

fn read_error<R: Read>(error: csv::Error, reader: &Reader<R>) -> ReadError {
    let line = error.position().map_or_else(|| reader.position().line(), csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ReadError::Broken(error),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => ReadError::Bad(BadLine {
            line: LineNumber(line),
            why: format!("{len} cells, the header line has {expected_len}"),
        }),
        other => ReadError::Bad(BadLine { line: LineNumber(line), why: format!("{other:?}") }),
    }
}

fn csv_line(row: &StringRecord) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(row).expect("a vector takes every byte");
    let mut line = writer.into_inner().expect("a vector takes every byte");
    line.pop_if(|last| *last == b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLIGHTS: &str = "tail,dest,at\nN1,IAH,2013-01-01T10:00:00Z\n,\"MIA, FL\",1357034400000\n";

    fn columns(value: RowValue) -> Columns<'static> {
        Columns { key: Some("tail"), empty_key: EmptyKey::Null, value, timestamp: Some("at") }
    }

    fn read(text: &str, columns: &Columns<'_>) -> Vec<Result<(u64, Draft), String>> {
        let mut rows = Rows::new(text.as_bytes(), columns).expect("a good header");
        std::iter::from_fn(|| rows.next())
            .map(|next| match next {
                Ok((line, draft)) => Ok((line.0, draft)),
                Err(ReadError::Bad(bad)) => Err(format!("{}: {}", bad.line, bad.why)),
                Err(ReadError::Broken(error)) => panic!("{error}"),
            })
            .collect()
    }

    fn value_of(next: &Result<(u64, Draft), String>) -> &str {
        let (_, draft) = next.as_ref().expect("a good row");
        std::str::from_utf8(draft.value.as_ref().expect("a value")).expect("UTF-8")
    }

    #[test]
    fn rows_become_objects_in_the_order_of_the_header() {
        let read = read(FLIGHTS, &columns(RowValue::Json));
        assert_eq!(value_of(&read[0]), r#"{"tail":"N1","dest":"IAH","at":"2013-01-01T10:00:00Z"}"#);
        let (line, draft) = read[1].as_ref().expect("a good row");
        assert_eq!((*line, &draft.key), (3, &None), "an empty cell is no key");
        assert_eq!(draft.timestamp, Some(1_357_034_400_000));
    }

    #[test]
    fn rows_and_columns_can_be_the_value() {
        let rows = read(FLIGHTS, &columns(RowValue::Row));
        assert_eq!(value_of(&rows[1]), ",\"MIA, FL\",1357034400000");
        let cells = read(FLIGHTS, &columns(RowValue::Column("dest".into())));
        assert_eq!(value_of(&cells[1]), "MIA, FL");
    }

    #[test]
    fn bad_rows_are_named_and_reading_goes_on() {
        let text = "tail,dest,at\nN1,IAH\nN2,\"a\nb\",soon\nN3,IAH,7\n";
        let read = read(text, &columns(RowValue::Json));
        assert_eq!(read[0], Err("2: 2 cells, the header line has 3".to_owned()));
        assert!(read[1].as_ref().is_err_and(|why| why.starts_with("3: \"soon\" is neither")));
        assert!(matches!(&read[2], Ok((5, _))), "a quoted line break counts as a line");
    }

    #[test]
    fn headers_must_have_the_columns_once() {
        let none = Columns { key: Some("tial"), ..columns(RowValue::Json) };
        assert!(Rows::new(FLIGHTS.as_bytes(), &none).is_err());
        assert!(Rows::new(&b"tail,tail,at\n"[..], &columns(RowValue::Json)).is_err());
        assert!(Rows::new(&b""[..], &columns(RowValue::Json)).is_err());
    }
}
