//! One line of a history file: an instant and an event.
//!
//! The two stand side by side in one object, so that a line can be read by eye and searched for by
//! any field. The name is read before the rest: what the rest must be depends on it.

use serde::{Deserialize, Serialize};

use super::Event;

/// One line of a history file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, in microseconds since the Unix epoch. The processes of one run share one clock.
    pub at: u64,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// Why a line of a history file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The line is not JSON, or a field is missing or of the wrong type.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// No event has this name.
    #[error("unknown event `{0}`: this version reads format {version}", version = super::FORMAT)]
    UnknownEvent(String),
}

impl Line {
    /// Reads a line. Fields that this version does not know are ignored; events are not.
    pub fn parse(json: &str) -> Result<Self, LineError> {
        let head: Head<'_> = serde_json::from_str(json)?;
        match Event::read(head.event, json) {
            Some(event) => Ok(Self { at: head.at, event: event? }),
            None => Err(LineError::UnknownEvent(head.event.to_owned())),
        }
    }

    /// The line as JSON, without the line break.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("events have string keys only and no fallible fields")
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    at: u64,
    event: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{CommitPosition, CommitSent, Healed, IncarnationName, Started};

    #[test]
    fn name_and_time_stand_beside_the_fields() {
        check(
            Event::Started(Started {
                topic: "orders".into(),
                partition: 3,
                term: 7,
                offset: 1042,
                attempt: 1,
                key: Some("k".into()),
                last: None,
                count: None,
            }),
            concat!(
                r#"{"at":5,"event":"started","topic":"orders","partition":3,"term":7,"#,
                r#""offset":1042,"attempt":1,"key":"k"}"#
            ),
        );
    }

    #[test]
    fn events_without_fields_are_lines_too() {
        check(Event::Healed(Healed {}), r#"{"at":5,"event":"healed"}"#);
    }

    #[test]
    fn events_that_share_a_payload_keep_their_names() {
        check(
            Event::Continued(IncarnationName { member: "m".into(), incarnation: 2 }),
            r#"{"at":5,"event":"continued","member":"m","incarnation":2}"#,
        );
    }

    #[test]
    fn a_commit_names_all_its_positions() {
        check(
            Event::CommitSent(CommitSent {
                commit: 9,
                positions: vec![CommitPosition {
                    topic: "orders".into(),
                    partition: 0,
                    term: 1,
                    position: 4,
                }],
            }),
            concat!(
                r#"{"at":5,"event":"commit_sent","commit":9,"positions":["#,
                r#"{"topic":"orders","partition":0,"term":1,"position":4}]}"#
            ),
        );
    }

    #[test]
    fn unknown_fields_are_ignored_and_unknown_events_are_not() {
        assert!(Line::parse(r#"{"at":5,"event":"healed","by":"hand"}"#).is_ok());
        let error = Line::parse(r#"{"at":5,"event":"cured"}"#).unwrap_err();
        assert!(matches!(error, LineError::UnknownEvent(name) if name == "cured"));
    }

    #[track_caller]
    fn check(event: Event, json: &str) {
        let line = Line { at: 5, event };
        assert_eq!(line.to_json(), json);
        assert_eq!(Line::parse(json).unwrap(), line);
    }
}
