//! Plain lines: the whole line is the value, or key and value with a separator between them.

use std::io::Read;

use crate::produce::input::{BadLine, Draft, Drafts, EmptyKey, LineNumber, Lines, ReadError};

/// Reads plain lines.
pub(super) struct PlainLines<R> {
    lines: Lines<R>,
    separator: Option<String>,
    empty_key: EmptyKey,
}

impl<R: Read> PlainLines<R> {
    /// With a separator, each line must have it; what stands before its first occurrence is the
    /// key.
    pub(super) fn new(reader: R, separator: Option<String>, empty_key: EmptyKey) -> Self {
        Self { lines: Lines::new(reader), separator, empty_key }
    }
}

impl<R: Read> Drafts for PlainLines<R> {
    fn next(&mut self) -> Option<Result<(LineNumber, Draft), ReadError>> {
        let (line, text) = match self.lines.next()? {
            Ok(next) => next,
            Err(error) => return Some(Err(ReadError::Broken(error))),
        };
        let draft = match &self.separator {
            None => Ok(Draft { value: Some(text.to_vec()), ..Draft::default() }),
            Some(separator) => split(text, separator.as_bytes(), self.empty_key),
        };
        Some(match draft {
            Ok(draft) => Ok((line, draft)),
            Err(why) => Err(ReadError::Bad(BadLine { line, why })),
        })
    }
}

fn split(text: &[u8], separator: &[u8], empty_key: EmptyKey) -> Result<Draft, String> {
    let at =
        text.windows(separator.len()).position(|window| window == separator).ok_or_else(|| {
            let separator = String::from_utf8_lossy(separator);
            format!("the key separator {separator:?} is missing")
        })?;
    Ok(Draft {
        key: empty_key.apply(text[..at].to_vec())?,
        value: Some(text[at + separator.len()..].to_vec()),
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, separator: Option<&str>) -> Vec<Result<Draft, String>> {
        let mut lines =
            PlainLines::new(text.as_bytes(), separator.map(str::to_owned), EmptyKey::Null);
        std::iter::from_fn(|| lines.next())
            .map(|next| match next {
                Ok((_, draft)) => Ok(draft),
                Err(ReadError::Bad(bad)) => Err(format!("{}: {}", bad.line, bad.why)),
                Err(ReadError::Broken(error)) => panic!("{error}"),
            })
            .collect()
    }

    fn draft(key: Option<&str>, value: &str) -> Draft {
        Draft {
            key: key.map(|key| key.as_bytes().to_vec()),
            value: Some(value.as_bytes().to_vec()),
            ..Draft::default()
        }
    }

    #[test]
    fn a_line_is_a_value_with_or_without_the_last_line_break() {
        let values = [Ok(draft(None, "a")), Ok(draft(None, "")), Ok(draft(None, "b\tc"))];
        assert_eq!(read("a\n\r\nb\tc", None), values);
        assert!(read("", None).is_empty());
    }

    #[test]
    fn the_first_separator_splits() {
        assert_eq!(
            read("k:v:w\n:v\nv\n", Some(":")),
            [
                Ok(draft(Some("k"), "v:w")),
                Ok(draft(None, "v")),
                Err("3: the key separator \":\" is missing".to_owned()),
            ]
        );
    }
}
