//! Where reading starts: a word, an offset or a time, turned into one offset a partition.
//!
//! An offset that a partition does not have is refused. Kafka would answer it with a jump to one of
//! the ends, which for a person who typed a number is the wrong record without a word.

use std::str::FromStr;

use crate::cluster::{Connection, Partition};
use crate::complaint::Complaint;
use crate::instant::parse_millis;
use surefoot::{Position, StartAt};

/// The value of `--from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Beginning,
    End,
    Offset(i64),
    /// The first record at or after these milliseconds since 1970.
    Since(i64),
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(millis) = text.strip_prefix('@') {
            return parse_millis(millis).map(Self::Since);
        }
        match text {
            "beginning" => Ok(Self::Beginning),
            "end" => Ok(Self::End),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                number.parse().map(Self::Offset).map_err(|_| "no offset is that large".to_owned())
            }
            time => parse_millis(time).map(Self::Since).map_err(|_| {
                "beginning, end, an offset, a time such as 2026-01-31T08:00:00Z, or @MILLISECONDS \
                 is expected"
                    .to_owned()
            }),
        }
    }
}

impl Start {
    /// Where a partition starts of which the group has committed no offset.
    pub(super) fn without_commit(self) -> StartAt {
        match self {
            Self::Beginning => StartAt::Beginning,
            Self::End => StartAt::End,
            Self::Offset(offset) => StartAt::Position(Position::new(offset)),
            Self::Since(millis) => StartAt::Timestamp(millis),
        }
    }

    /// The first offset to read in each partition.
    pub(super) fn resolve(
        self,
        connection: &Connection,
        topic: &str,
        partitions: &[Partition],
    ) -> Result<Vec<i64>, Complaint> {
        match self {
            Self::Beginning => Ok(partitions.iter().map(|partition| partition.log_start).collect()),
            Self::End => Ok(partitions.iter().map(|partition| partition.end).collect()),
            Self::Offset(offset) => {
                partitions.iter().map(|partition| within(topic, partition, offset)).collect()
            }
            Self::Since(millis) => connection.offsets_since(topic, partitions, millis),
        }
    }
}

fn within(topic: &str, partition: &Partition, offset: i64) -> Result<i64, Complaint> {
    let Partition { id, log_start, end } = *partition;
    if (log_start..=end).contains(&offset) {
        return Ok(offset);
    }
    Err(Complaint::refused(format!(
        "{topic}[{id}]@{offset} does not exist: the log is {log_start} to {end}"
    ))
    .hint("choose another --from, or one partition with --partition"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_offsets_and_times_are_marked() {
        assert_eq!("beginning".parse(), Ok(Start::Beginning));
        assert_eq!("end".parse(), Ok(Start::End));
        assert_eq!("1042".parse(), Ok(Start::Offset(1042)));
        assert_eq!("@1767225600000".parse(), Ok(Start::Since(1_767_225_600_000)));
        assert_eq!("2026-01-01T00:00:00Z".parse(), Ok(Start::Since(1_767_225_600_000)));
        for bad in ["", "-1", "middle", "@soon", "99999999999999999999"] {
            assert!(bad.parse::<Start>().is_err(), "{bad}");
        }
    }

    #[test]
    fn offsets_outside_the_log_are_refused() {
        let partition = Partition { id: 3, log_start: 10, end: 20 };
        assert_eq!(within("orders", &partition, 10), Ok(10));
        assert_eq!(within("orders", &partition, 20), Ok(20));
        assert!(within("orders", &partition, 9).is_err());
        assert!(within("orders", &partition, 21).is_err());
    }
}
