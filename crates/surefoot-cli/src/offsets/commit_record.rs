//! The records of `__consumer_offsets` that hold committed positions.
//!
//! Kafka keeps several kinds of record in that topic, told apart by the number their key begins
//! with; 0 and 1 are commits. The value has a version of its own: the leader epoch came with 3, the
//! flexible encoding with tagged fields with 4. A version that is not known is refused: a judge
//! that skipped it would call a group's commits complete when they are not.

use std::fmt;

/// The key of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommitKey {
    pub(super) group: String,
    pub(super) topic: String,
    pub(super) partition: i32,
}

/// The value of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommitValue {
    pub(super) position: i64,
    pub(super) leader_epoch: Option<i32>,
    pub(super) metadata: String,
    /// When the coordinator got it, in milliseconds since 1970.
    pub(super) committed_at: i64,
}

/// Bytes that are not what Kafka writes, or that a later Kafka writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DecodeError {
    Short,
    NotText,
    Version(i16),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("it ends in the middle"),
            Self::NotText => f.write_str("a text in it is not UTF-8"),
            Self::Version(version) => write!(f, "its version {version} is not known"),
        }
    }
}

impl CommitKey {
    /// Reads a key; `None` when it is the key of another kind of record.
    pub(super) fn decode(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut bytes = Bytes(bytes);
        if !matches!(bytes.i16()?, 0 | 1) {
            return Ok(None);
        }
        Ok(Some(Self { group: bytes.text()?, topic: bytes.text()?, partition: bytes.i32()? }))
    }
}

impl CommitValue {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut bytes = Bytes(bytes);
        let version = bytes.i16()?;
        if !(0..=4).contains(&version) {
            return Err(DecodeError::Version(version));
        }
        let position = bytes.i64()?;
        let leader_epoch = if version >= 3 { bytes.i32()? } else { -1 };
        let metadata = if version >= 4 { bytes.compact_text()? } else { bytes.text()? };
        // An expiry time (version 1) and tagged fields (version 4) follow; neither says what was
        // committed.
        Ok(Self {
            position,
            leader_epoch: Some(leader_epoch).filter(|epoch| *epoch >= 0),
            metadata,
            committed_at: bytes.i64()?,
        })
    }
}

/// The partition of `__consumer_offsets` that holds a group: Java's hash of the name's UTF-16
/// units.
pub(super) fn home_of(group: &str, partitions: i32) -> i32 {
    let hash = group
        .encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka takes the smallest integer, whose absolute value does not exist, for 0.
    hash.checked_abs().unwrap_or(0) % partitions
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    fn text(&mut self) -> Result<String, DecodeError> {
        let length = usize::try_from(self.i16()?).map_err(|_| DecodeError::Short)?;
        self.text_of(length)
    }

    /// A length plus one, seven bits a byte, then the text.
    fn compact_text(&mut self) -> Result<String, DecodeError> {
        let mut length = 0_u64;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            length |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let length = length.checked_sub(1).ok_or(DecodeError::Short)?;
                return self.text_of(usize::try_from(length).map_err(|_| DecodeError::Short)?);
            }
        }
        Err(DecodeError::Short)
    }

    fn text_of(&mut self, length: usize) -> Result<String, DecodeError> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| DecodeError::NotText)?;
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const KEY: &[u8] = b"\0\x01\0\x02g1\0\x05small\0\0\0\0";

    fn value(base64: &str) -> Result<CommitValue, DecodeError> {
        CommitValue::decode(&STANDARD.decode(base64).expect("the test's own base64"))
    }

    #[test]
    fn keys_of_commits_are_told_from_others() {
        let key = CommitKey { group: "g1".into(), topic: "small".into(), partition: 0 };
        assert_eq!(CommitKey::decode(KEY), Ok(Some(key)));
        assert_eq!(CommitKey::decode(b"\0\x02\0\x02g1"), Ok(None), "group metadata");
        assert_eq!(CommitKey::decode(&KEY[..KEY.len() - 1]), Err(DecodeError::Short));
        assert_eq!(CommitKey::decode(b""), Err(DecodeError::Short));
    }

    /// Read from Apache Kafka 3.9.1.
    #[test]
    fn values_of_version_3_are_read() {
        let read = value("AAMAAAAAAAAABQAAAAAAAAAAAaH9gpIH");
        let expected = CommitValue {
            position: 5,
            leader_epoch: Some(0),
            metadata: String::new(),
            committed_at: 1_795_254_555_143,
        };
        assert_eq!(read, Ok(expected));
    }

    /// Read from Apache Kafka 4.3.1: no leader epoch, a topic id among the tagged fields.
    #[test]
    fn values_of_version_4_are_read() {
        let read = value("AAQAAAAAAAAABf////8BAAABof2CCo0BABAw49JVhLBN3pWqBW6kmFA6");
        let expected = CommitValue {
            position: 5,
            leader_epoch: None,
            metadata: String::new(),
            committed_at: 1_795_254_520_461,
        };
        assert_eq!(read, Ok(expected));
    }

    /// As Kafka's `OffsetCommitValue.json` describes them; no release that is still run writes
    /// them, but they stay in old logs.
    #[test]
    fn values_of_older_versions_are_read() {
        for (version, rest) in [(0_u8, 0), (1, 8), (2, 0)] {
            let mut bytes = vec![0, version];
            bytes.extend(7_i64.to_be_bytes());
            bytes.extend(b"\0\x01m");
            bytes.extend(9_i64.to_be_bytes());
            bytes.extend(std::iter::repeat_n(0xff, rest));
            let expected = CommitValue {
                position: 7,
                leader_epoch: None,
                metadata: "m".into(),
                committed_at: 9,
            };
            assert_eq!(CommitValue::decode(&bytes), Ok(expected), "version {version}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert_eq!(CommitValue::decode(b"\0\x05"), Err(DecodeError::Version(5)));
        assert_eq!(value("AAQAAAAAAAAABf////8="), Err(DecodeError::Short));
        assert_eq!(CommitKey::decode(b"\0\x01\0\x01\xff\0\0\0\0\0\0"), Err(DecodeError::NotText));
    }

    #[test]
    fn a_group_lives_where_javas_hash_puts_it() {
        assert_eq!(home_of("g1", 8), 2, "seen on Apache Kafka 4.3.1");
        assert_eq!(home_of("hello", 50), 99_162_322 % 50);
        assert_eq!(home_of("polygenelubricants", 50), 0, "its hash has no absolute value");
    }
}
