//! NDJSON: either each line is a record with its fields, or each line is a value.
//!
//! Without `--key`, a line is `{"key":…,"value":…,"headers":…,"timestamp":…,"partition":…}`, which
//! is what `surefoot consume --json` writes. With `--key FIELD`, the line as it stands is the
//! value, not one byte rewritten, and the field is its key.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::instant::parse_millis;
use crate::produce::input::{BadLine, Draft, Drafts, EmptyKey, LineNumber, Lines, ReadError};
use crate::record_text::bytes_of;

/// Which fields mean what, when the line is the value.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) key: String,
    pub(super) empty_key: EmptyKey,
    pub(super) timestamp: Option<String>,
}

/// Reads JSON lines; blank lines are skipped.
pub(super) struct JsonLines<R> {
    lines: Lines<R>,
    fields: Option<Fields>,
}

#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(borrow, default)]
    headers: Option<Headers<'a>>,
    #[serde(default)]
    timestamp: Option<Value>,
    #[serde(default)]
    partition: Option<i32>,
}

#[derive(Debug, Deserialize)]
struct Header<'a> {
    key: String,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// A list keeps order and repeated names; an object is what people write.
#[derive(Debug)]
enum Headers<'a> {
    List(Vec<Header<'a>>),
    Object(BTreeMap<String, &'a RawValue>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Headers<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An untagged enum would buffer the values, and raw values cannot be buffered.
        let raw = <&RawValue>::deserialize(deserializer)?;
        let parsed = if raw.get().starts_with('[') {
            serde_json::from_str(raw.get()).map(Self::List)
        } else {
            serde_json::from_str(raw.get()).map(Self::Object)
        };
        parsed.map_err(|_| {
            serde::de::Error::custom("headers are an object, or a list of {\"key\":…,\"value\":…}")
        })
    }
}

impl<R: Read> JsonLines<R> {
    pub(super) fn new(reader: R, fields: Option<Fields>) -> Self {
        Self { lines: Lines::new(reader), fields }
    }
}

impl<R: Read> Drafts for JsonLines<R> {
    fn next(&mut self) -> Option<Result<(LineNumber, Draft), ReadError>> {
        loop {
            let (line, text) = match self.lines.next()? {
                Ok(next) => next,
                Err(error) => return Some(Err(ReadError::Broken(error))),
            };
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let draft = match &self.fields {
                None => from_envelope(text),
                Some(fields) => from_object(text, fields),
            };
            return Some(match draft {
                Ok(draft) => Ok((line, draft)),
                Err(why) => Err(ReadError::Bad(BadLine { line, why })),
            });
        }
    }
}

fn from_envelope(text: &[u8]) -> Result<Draft, String> {
    let envelope: Envelope<'_> = serde_json::from_slice(text).map_err(|error| because(&error))?;
    let mut headers = Vec::new();
    match envelope.headers {
        None => {}
        Some(Headers::List(list)) => {
            for Header { key, value } in list {
                headers.push((key, value.map(bytes_of).transpose()?.flatten()));
            }
        }
        Some(Headers::Object(object)) => {
            for (key, value) in object {
                headers.push((key, bytes_of(value)?));
            }
        }
    }
    if envelope.partition.is_some_and(|partition| partition < 0) {
        return Err("partitions count from 0".to_owned());
    }
    Ok(Draft {
        key: envelope.key.map(bytes_of).transpose()?.flatten(),
        value: bytes_of(envelope.value)?,
        headers,
        timestamp: envelope.timestamp.as_ref().map(millis_of).transpose()?.flatten(),
        partition: envelope.partition,
    })
}

fn from_object(text: &[u8], fields: &Fields) -> Result<Draft, String> {
    let object: BTreeMap<String, &RawValue> =
        serde_json::from_slice(text).map_err(|error| because(&error))?;
    let field = |name: &str| object.get(name).ok_or_else(|| format!("there is no field {name:?}"));
    let key = match bytes_of(field(&fields.key)?)? {
        Some(key) => fields.empty_key.apply(key)?,
        None => fields.empty_key.apply(Vec::new())?.and(None),
    };
    let timestamp = match &fields.timestamp {
        Some(name) => {
            let value: Value =
                serde_json::from_str(field(name)?.get()).map_err(|error| because(&error))?;
            millis_of(&value)?
        }
        None => None,
    };
    Ok(Draft { key, value: Some(text.to_vec()), timestamp, ..Draft::default() })
}

fn millis_of(value: &Value) -> Result<Option<i64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => parse_millis(text).map(Some),
        Value::Number(number) => parse_millis(&number.to_string()).map(Some),
        other => Err(format!("{other} is not a time")),
    }
}

/// serde_json counts lines inside the text that it was given; here that is always line 1.
fn because(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let said = match text.split_once(" at line 1 column ") {
        Some((what, column)) => format!("{what} (column {column})"),
        None => text,
    };
    match error.is_data() {
        true => said,
        false => format!("this is not JSON: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, fields: Option<Fields>) -> Vec<Result<Draft, String>> {
        let mut lines = JsonLines::new(text.as_bytes(), fields);
        std::iter::from_fn(|| lines.next())
            .map(|next| match next {
                Ok((_, draft)) => Ok(draft),
                Err(ReadError::Bad(bad)) => Err(format!("{}: {}", bad.line, bad.why)),
                Err(ReadError::Broken(error)) => panic!("{error}"),
            })
            .collect()
    }

    #[test]
    fn a_line_is_a_record_with_its_fields() {
        let text = concat!(
            r#"{"key":"k","value":{"a": 1},"headers":{"h":"1"},"timestamp":7,"partition":2}"#,
            "\n\n",
            r#"{"value":null,"headers":[{"key":"h","value":"1"},{"key":"h"}]}"#,
        );
        let read = read(text, None);
        let first = Draft {
            key: Some(b"k".to_vec()),
            value: Some(b"{\"a\": 1}".to_vec()),
            headers: vec![("h".to_owned(), Some(b"1".to_vec()))],
            timestamp: Some(7),
            partition: Some(2),
        };
        let second = Draft {
            headers: vec![("h".to_owned(), Some(b"1".to_vec())), ("h".to_owned(), None)],
            ..Draft::default()
        };
        assert_eq!(read, [Ok(first), Ok(second)]);
    }

    #[test]
    fn a_line_can_be_the_value_and_a_field_its_key() {
        let fields =
            Fields { key: "id".into(), empty_key: EmptyKey::Null, timestamp: Some("at".into()) };
        let line = r#"{ "id": 17, "at": "1970-01-01T00:00:01Z" }"#;
        let text = format!("{line}\n{{\"id\":null,\"at\":1}}\n{{\"at\":1}}\n");
        let read = read(&text, Some(fields));
        let draft = read[0].as_ref().expect("a good line");
        assert_eq!(draft.key.as_deref(), Some(&b"17"[..]));
        assert_eq!(draft.value.as_deref(), Some(line.as_bytes()), "not one byte rewritten");
        assert_eq!(draft.timestamp, Some(1000));
        assert_eq!(read[1].as_ref().expect("a good line").key, None);
        assert_eq!(read[2], Err("3: there is no field \"id\"".to_owned()));
    }

    #[test]
    fn what_is_no_record_is_said_with_its_line() {
        let lines = [
            r#"{"value":1}"#,
            r#"{"key":"k"}"#,
            "nonsense",
            r#"{"value":1,"partition":-1}"#,
            r#"{"value":1,"headers":7}"#,
        ];
        let text = lines.join("\n");
        let read = read(&text, None);
        assert!(read[0].is_ok());
        assert_eq!(read[1], Err("2: missing field `value` (column 11)".to_owned()));
        assert_eq!(read[2], Err("3: this is not JSON: expected ident (column 2)".to_owned()));
        assert_eq!(read[3], Err("4: partitions count from 0".to_owned()));
        assert!(read[4].as_ref().is_err_and(|why| why.starts_with("5: headers are an object")));
    }
}
