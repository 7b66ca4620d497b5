//! How a run ends other than by a clean stop.
//!
//! The engine says why it came to rest and its thread why it could not go on; neither knows what a
//! handler said, nor the group's name. The three are put together here, in one place, so that each
//! end has one message, with the coordinates and the setting to change.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use surefoot_core::{
    FetchFailure, Offset, Position, Refusal, StartProblem, StopReason, Stopped, TopicPartition,
    Unfinished,
};

use crate::room::{Departure, Exit, RoomError, StartError};
use crate::run::{Blamed, Why};

/// Why a run ended. A stop that was asked for, and finished what ran, is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It could not start: no broker, credentials, permissions, or a topic that does not exist.
    /// Nothing was read.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A handler returned an error, or a delivery of a stream was failed or dropped. What ran
    /// beside it was finished and committed as far as this record. The next run begins with it
    /// under at-least-once, and behind it under at-most-once.
    #[error("{partition}@{offset}: the handler failed")]
    HandlerFailed {
        /// The partition.
        partition: TopicPartition,
        /// The record; of a batch, the first that failed.
        offset: Offset,
        /// What the handler returned.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A handler panicked; otherwise as if it had failed.
    #[error("{partition}@{offset}: the handler panicked: {message}")]
    HandlerPanicked {
        /// The partition.
        partition: TopicPartition,
        /// The record; of a batch, the first that did not end before.
        offset: Offset,
        /// The panic's message.
        message: String,
    },
    /// Where a partition starts is not known, and the start policy is to stop.
    #[error("{}", start_problem(partition, group, problem))]
    NoStart {
        /// The partition.
        partition: TopicPartition,
        /// The group.
        group: String,
        /// What is wrong with the start.
        problem: StartProblem,
    },
    /// A partition cannot be read on.
    #[error("{partition}@{position}: {}", fetch_problem(*failure))]
    Unreadable {
        /// The partition.
        partition: TopicPartition,
        /// The next offset that was to be read.
        position: Position,
        /// Why not.
        failure: FetchFailure,
    },
    /// The group may not be used any more.
    #[error("group `{group}`: not authorised for {who}: allow READ on the group")]
    Unauthorized {
        /// The group.
        group: String,
        /// The principal, or the partition whose commit was refused.
        who: String,
    },
    /// Another process joined with the same `group.instance.id`.
    #[error(
        "fenced: another process uses this group.instance.id in group `{group}`: give each process \
         its own"
    )]
    InstanceFenced {
        /// The group.
        group: String,
    },
    /// A stop ran out of time: handlers still ran, or commits were not answered. What was not
    /// committed is delivered again under at-least-once.
    #[error(
        "stopped before everything was finished and committed: {}; raise drain_deadline, or look \
         for handlers that hang and brokers that do not answer",
        List(unfinished)
    )]
    DrainTimedOut {
        /// What was left, by partition.
        unfinished: Vec<Unfinished>,
    },
    /// It was told to stop at once.
    #[error("aborted: nothing was waited for{}", left_behind(unfinished))]
    Aborted {
        /// What was left, by partition.
        unfinished: Vec<Unfinished>,
    },
    /// Everything was finished and committed, but no coordinator took note that the member left:
    /// the group waits for it until `session.timeout.ms` is over.
    #[error(
        "stopped, but the group `{group}` could not be told in time: its coordinator does not \
         answer, and its partitions wait for session.timeout.ms"
    )]
    NotLeft {
        /// The group.
        group: String,
    },
    /// The client cannot go on.
    #[error("the kafka client cannot go on: {message} ({code})")]
    Client {
        /// librdkafka's name of the error.
        code: String,
        /// librdkafka's words.
        message: String,
    },
    /// The history could not be written; the consumer stopped at once.
    #[error("history {path:?} cannot be written: free space or choose another directory")]
    History {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// The system has no thread to give, or does not let signals be listened to.
    #[error("a thread of the consumer cannot be started")]
    Thread {
        /// The system's reason.
        source: io::Error,
    },
    /// The consumer's own thread panicked. This is a bug in Surefoot.
    #[error("the consumer's thread panicked: {message}; this is a bug in surefoot")]
    Bug {
        /// The panic's message.
        message: String,
    },
}

impl RunError {
    /// The result of a run whose engine came to rest.
    pub(crate) fn of_exit(exit: Exit, blamed: Vec<Blamed>, group: &str) -> Result<(), Self> {
        let Stopped { reason, unfinished } = exit.stopped;
        let group = group.to_owned();
        Err(match reason {
            StopReason::Requested if unfinished.is_empty() => match exit.departure {
                Departure::Left | Departure::NeverJoined => return Ok(()),
                Departure::Abandoned => Self::NotLeft { group },
            },
            StopReason::Requested => Self::DrainTimedOut { unfinished },
            StopReason::Aborted => Self::Aborted { unfinished },
            StopReason::HandlerFailed { partition, offset, .. } => {
                Self::of_handler(partition, offset, blamed)
            }
            StopReason::FetchFailed { partition, position, failure } => {
                Self::Unreadable { partition, position, failure }
            }
            StopReason::NoStart { partition, problem } => {
                Self::NoStart { partition, group, problem }
            }
            StopReason::Refused { refusal: Refusal::InstanceFenced, .. } => {
                Self::InstanceFenced { group }
            }
            StopReason::Refused { partition, .. } => {
                Self::Unauthorized { group, who: format!("a commit of {partition}") }
            }
        })
    }

    /// The error of a thread that ended before its engine came to rest.
    pub(crate) fn of_room(error: RoomError) -> Self {
        match error {
            RoomError::Start(error) => Self::Start(error),
            RoomError::InstanceFenced { group, .. } => Self::InstanceFenced { group },
            RoomError::GroupUnauthorized { group, principal, .. } => {
                Self::Unauthorized { group, who: principal }
            }
            RoomError::Client { code, message } => Self::Client { code, message },
            RoomError::Panicked { message } => Self::Bug { message },
        }
    }

    /// What the handler said of the record. Others may have failed while it drained: they are
    /// logged, since one error is returned.
    fn of_handler(partition: TopicPartition, offset: Offset, blamed: Vec<Blamed>) -> Self {
        let mut found = None;
        for blame in blamed {
            let Blamed { partition: of, offset: at, why } = blame;
            if found.is_none() && of == partition && at == offset {
                found = Some(why);
            } else {
                tracing::warn!("{of}@{at}: another handler failed too: {why}");
            }
        }
        match found {
            Some(Why::Failed(failure)) => {
                Self::HandlerFailed { partition, offset, source: failure.into_source() }
            }
            Some(Why::Panicked(message)) => Self::HandlerPanicked { partition, offset, message },
            None => Self::HandlerFailed { partition, offset, source: "no reason is known".into() },
        }
    }
}

fn start_problem(partition: &TopicPartition, group: &str, problem: &StartProblem) -> String {
    match problem {
        StartProblem::NoCommittedOffset => format!(
            "{partition}: group `{group}` has no committed offset, and the start policy is to \
             fail: commit one, or choose another start.without_commit"
        ),
        StartProblem::Vanished { known } => format!(
            "{partition}: group `{group}` had committed {known} and has no committed offset any \
             more: it was deleted or expired (offsets.retention.minutes); reset the group to \
             {known}, and start again"
        ),
        StartProblem::BelowLogStart { committed, log_start } => format!(
            "{partition}: retention deleted what was not read: group `{group}` committed \
             {committed}, and the log begins at {log_start}; to go on without these offsets, set \
             start.out_of_range or reset the group"
        ),
        StartProblem::AboveLogEnd { committed, log_end } => format!(
            "{partition}: the log ends at {log_end}, before the {committed} that group `{group}` \
             committed: it was cut or made anew; set start.out_of_range or reset the group"
        ),
        StartProblem::Recreated => format!(
            "{partition}: the topic was deleted and created again since group `{group}` committed: \
             its offsets mean other records now; reset the group"
        ),
    }
}

fn fetch_problem(failure: FetchFailure) -> &'static str {
    match failure {
        FetchFailure::OutOfRange => {
            "the position lies outside the log: retention passed it, or the log was cut; set \
             start.out_of_range or reset the group"
        }
        FetchFailure::Unauthorized => "the topic may not be read: allow READ on the topic",
        FetchFailure::Gone => "the topic or partition does not exist any more",
        FetchFailure::Corrupt => {
            "the record is damaged or cannot be read: repair the log, or skip it by resetting the \
             group behind it"
        }
    }
}

fn left_behind(unfinished: &[Unfinished]) -> String {
    if unfinished.is_empty() { String::new() } else { format!("; left: {}", List(unfinished)) }
}

/// `orders[3] 2 running, frontier 40, committed 38; …`
struct List<'a>(&'a [Unfinished]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, left) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(f, "{comma}{} {} running, ", left.partition, left.running)?;
            write!(f, "frontier {}, committed ", left.frontier)?;
            match left.committed {
                Some(position) => write!(f, "{position}")?,
                None => f.write_str("nothing")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_stop_is_no_error() {
        assert!(of(StopReason::Requested, &[], Departure::Left).is_ok());
        assert!(of(StopReason::Requested, &[], Departure::NeverJoined).is_ok());
    }

    #[test]
    fn a_stop_that_left_something_says_what_and_what_to_change() {
        insta::assert_snapshot!(
            of(StopReason::Requested, &[left(Some(38)), left(None)], Departure::Left).unwrap_err(),
            @"stopped before everything was finished and committed: orders[3] 2 running, frontier 40, committed 38; orders[3] 2 running, frontier 40, committed nothing; raise drain_deadline, or look for handlers that hang and brokers that do not answer"
        );
        insta::assert_snapshot!(
            of(StopReason::Requested, &[], Departure::Abandoned).unwrap_err(),
            @"stopped, but the group `billing` could not be told in time: its coordinator does not answer, and its partitions wait for session.timeout.ms"
        );
        insta::assert_snapshot!(
            of(StopReason::Aborted, &[left(Some(38))], Departure::Abandoned).unwrap_err(),
            @"aborted: nothing was waited for; left: orders[3] 2 running, frontier 40, committed 38"
        );
    }

    #[test]
    fn a_failed_handler_is_named_with_its_own_error_and_no_other() {
        let blamed = vec![
            blame(9, Why::Failed("another partition".into())),
            blame(7, Why::Failed("no such account".into())),
            blame(8, Why::Panicked("later".to_owned())),
        ];
        let error = RunError::of_exit(exit(failed(7)), blamed, "billing").unwrap_err();
        insta::assert_snapshot!(
            error,
            @"orders[3]@7: the handler failed"
        );
        assert_eq!(error.source().unwrap().to_string(), "no such account");

        let blamed = vec![blame(7, Why::Panicked("index out of bounds".to_owned()))];
        insta::assert_snapshot!(
            RunError::of_exit(exit(failed(7)), blamed, "billing").unwrap_err(),
            @"orders[3]@7: the handler panicked: index out of bounds"
        );
    }

    #[test]
    fn a_start_that_is_not_known_names_the_policy() {
        let check = |problem| {
            let reason = StopReason::NoStart { partition: orders(), problem };
            of(reason, &[], Departure::Left).unwrap_err().to_string()
        };
        insta::assert_snapshot!(
            check(StartProblem::NoCommittedOffset),
            @"orders[3]: group `billing` has no committed offset, and the start policy is to fail: commit one, or choose another start.without_commit"
        );
        insta::assert_snapshot!(
            check(StartProblem::Vanished { known: Position::new(40) }),
            @"orders[3]: group `billing` had committed 40 and has no committed offset any more: it was deleted or expired (offsets.retention.minutes); reset the group to 40, and start again"
        );
        insta::assert_snapshot!(
            check(StartProblem::BelowLogStart {
                committed: Position::new(40),
                log_start: Position::new(100),
            }),
            @"orders[3]: retention deleted what was not read: group `billing` committed 40, and the log begins at 100; to go on without these offsets, set start.out_of_range or reset the group"
        );
        insta::assert_snapshot!(
            check(StartProblem::AboveLogEnd {
                committed: Position::new(40),
                log_end: Position::new(7),
            }),
            @"orders[3]: the log ends at 7, before the 40 that group `billing` committed: it was cut or made anew; set start.out_of_range or reset the group"
        );
        insta::assert_snapshot!(
            check(StartProblem::Recreated),
            @"orders[3]: the topic was deleted and created again since group `billing` committed: its offsets mean other records now; reset the group"
        );
    }

    #[test]
    fn a_group_that_may_not_be_used_is_named() {
        let check = |refusal| {
            let reason = StopReason::Refused { partition: orders(), refusal };
            of(reason, &[], Departure::Left).unwrap_err().to_string()
        };
        insta::assert_snapshot!(
            check(Refusal::Unauthorized),
            @"group `billing`: not authorised for a commit of orders[3]: allow READ on the group"
        );
        insta::assert_snapshot!(
            check(Refusal::InstanceFenced),
            @"fenced: another process uses this group.instance.id in group `billing`: give each process its own"
        );
    }

    fn of(
        reason: StopReason,
        unfinished: &[Unfinished],
        departure: Departure,
    ) -> Result<(), RunError> {
        let stopped = Stopped { reason, unfinished: unfinished.to_vec() };
        RunError::of_exit(Exit { stopped, departure }, Vec::new(), "billing")
    }

    fn exit(reason: StopReason) -> Exit {
        let stopped = Stopped { reason, unfinished: Vec::new() };
        Exit { stopped, departure: Departure::Left }
    }

    fn failed(offset: i64) -> StopReason {
        StopReason::HandlerFailed {
            partition: orders(),
            offset: Offset::new(offset),
            panicked: false,
        }
    }

    fn blame(offset: i64, why: Why) -> Blamed {
        Blamed { partition: orders(), offset: Offset::new(offset), why }
    }

    fn left(committed: Option<i64>) -> Unfinished {
        Unfinished {
            partition: orders(),
            running: 2,
            frontier: Position::new(40),
            committed: committed.map(Position::new),
        }
    }

    fn orders() -> TopicPartition {
        TopicPartition::new("orders", 3)
    }
}
