//! Bytes of a record as JSON: text where they are text, marked base64 where they are not.
//!
//! A key or value in Kafka is bytes. JSON has no bytes, and replacing what is not UTF-8 would lose
//! it, so such bytes become `{"base64":"…"}`. Text stays a plain string; what `consume` writes,
//! `produce` reads back byte for byte.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The field that marks base64.
const MARK: &str = "base64";

/// Bytes to be written as JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a>(pub(crate) &'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(MARK, &STANDARD.encode(self.0))?;
                map.end()
            }
        }
    }
}

impl Text<'_> {
    /// For lines that are not JSON: text, or base64 with its mark before it.
    pub(crate) fn plain(self) -> String {
        match std::str::from_utf8(self.0) {
            Ok(text) => text.to_owned(),
            Err(_) => format!("{MARK}:{}", STANDARD.encode(self.0)),
        }
    }
}

/// Bytes of a JSON value: null is no bytes, a string is its text, the mark is base64, anything else
/// is its own JSON as it was written.
pub(crate) fn bytes_of(json: &RawValue) -> Result<Option<Vec<u8>>, String> {
    let raw = json.get();
    match serde_json::from_str(raw).map_err(|error| error.to_string())? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.into_bytes())),
        Value::Object(fields) if fields.len() == 1 && fields.contains_key(MARK) => {
            let encoded = fields[MARK].as_str().unwrap_or_default();
            match STANDARD.decode(encoded) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) => Err(format!("the base64 is damaged: {error}")),
            }
        }
        _ => Ok(Some(raw.as_bytes().to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_way_through_json() {
        for bytes in [&b""[..], b"text", b"{\"base64\":\"AA==\"}", b"\xff\x00", "grün".as_bytes()]
        {
            let json = serde_json::to_string(&Text(bytes)).expect("text or a map");
            let raw: &RawValue = serde_json::from_str(&json).expect("valid JSON");
            assert_eq!(bytes_of(raw), Ok(Some(bytes.to_vec())), "{json}");
        }
    }

    #[test]
    fn json_that_is_no_string_stands_for_its_own_text() {
        for (json, bytes) in [("{\"a\": 1}", "{\"a\": 1}"), ("7", "7"), ("[true]", "[true]")] {
            let raw: &RawValue = serde_json::from_str(json).expect("valid JSON");
            assert_eq!(bytes_of(raw), Ok(Some(bytes.into())));
        }
        let null: &RawValue = serde_json::from_str("null").expect("valid JSON");
        assert_eq!(bytes_of(null), Ok(None));
        let damaged: &RawValue = serde_json::from_str("{\"base64\":\"!\"}").expect("valid JSON");
        assert!(bytes_of(damaged).is_err());
    }
}
