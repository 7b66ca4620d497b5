//! Turns what the engine's thread tells into lines of the history.
//!
//! The lines are in the order in which the engine decided, which is what a judge relies on: a start
//! that was decided before a revocation stands before it, whenever its handler really ran.

use std::borrow::Cow;
use std::sync::Arc;

use surefoot_core::{
    CommitPosition, Deliver, EffectId, Outcome, PauseReason, SkipReason, StartAt, StartReason,
    Term, TopicPartition,
};

use super::{
    Assigned, CommitEnded, CommitOutcome, CommitPosition as PositionLine, CommitResult, CommitSent,
    Delivered, Left, Line, PartitionTerm, Pause, PauseName, Recorder, Reset, Seek, Skipped,
    StartKnown, StartName, Started,
};
use crate::record::Record;
use crate::room::{Observed, StartedBy};

/// Writes each step as it is told.
pub(crate) struct Historian {
    recorder: Arc<Recorder>,
    /// What the policy is called where nothing was committed.
    policy: StartName,
}

impl Historian {
    pub(crate) fn new(recorder: Arc<Recorder>, without_commit: StartAt) -> Self {
        let policy = match without_commit {
            StartAt::Beginning => StartName::Earliest,
            StartAt::End => StartName::Latest,
            StartAt::Timestamp(_) => StartName::Timestamp,
            StartAt::Position(_) | StartAt::Fail => StartName::Fixed,
        };
        Self { recorder, policy }
    }

    /// Writes one step.
    pub(crate) fn observe(&self, step: &Observed<'_>) {
        match *step {
            Observed::Assigned { term, partition } => {
                let PartitionTerm { topic, partition, term } = coordinates(term, partition);
                self.write(Line::Assigned(Assigned { topic, partition, term }));
            }
            Observed::Revoking { term, partition } => {
                self.write(Line::Revoking(coordinates(term, partition)));
            }
            Observed::Revoked { term, partition } => {
                self.write(Line::Revoked(coordinates(term, partition)));
            }
            Observed::Lost { term, partition } => {
                self.write(Line::Lost(coordinates(term, partition)));
            }
            Observed::StartKnown { term, partition, position, committed, why, topic_id } => {
                let topic_id = topic_id.map(|id| topic_id_text(&id));
                self.write(Line::StartKnown(StartKnown {
                    topic: &partition.topic,
                    partition: partition.partition,
                    term: term.get(),
                    position: position.get(),
                    committed: committed.map(|position| position.get()),
                    reason: self.start_name(why),
                    topic_id: topic_id.as_deref(),
                }));
            }
            Observed::Sought { term, new_term, partition, position } => {
                self.write(Line::Seek(Seek {
                    topic: &partition.topic,
                    partition: partition.partition,
                    term: term.get(),
                    new_term: new_term.get(),
                    position: position.map(|position| position.get()),
                }));
            }
            Observed::Reset { term, partition, from, to } => self.write(Line::Reset(Reset {
                topic: &partition.topic,
                partition: partition.partition,
                term: term.get(),
                from: from.get(),
                to: to.get(),
                why: "the position lay outside the log, and start.out_of_range says to go on",
            })),
            Observed::Delivered { term, partition, first, last, count } => {
                self.write(Line::Delivered(Delivered {
                    topic: &partition.topic,
                    partition: partition.partition,
                    term: term.get(),
                    first: first.get(),
                    last: last.get(),
                    count: count as u64,
                }));
            }
            Observed::Started { deliver, records } => self.started(deliver, records),
            Observed::Skipped { term, partition, from, to, why } => {
                self.write(Line::Skipped(Skipped {
                    topic: &partition.topic,
                    partition: partition.partition,
                    term: term.get(),
                    offset: from.get(),
                    last: Some(to.get() - 1),
                    why: skip_words(why),
                }));
            }
            Observed::CommitSent { effect, positions } => self.commit_sent(effect, positions),
            Observed::CommitEnded { effect, positions, outcomes } => {
                self.commit_ended(effect, positions, outcomes);
            }
            Observed::Paused { term, partition, reason } => {
                self.flow(Line::Paused, term, partition, reason);
            }
            Observed::Resumed { term, partition, reason } => {
                self.flow(Line::Resumed, term, partition, reason);
            }
            Observed::Left => self.write(Line::Left(Left {})),
        }
    }

    fn started(&self, deliver: &Deliver, records: &[Record]) {
        let [first, ..] = records else { return };
        let is_batch = records.len() > 1 || deliver.first != deliver.last;
        let key = if is_batch { None } else { first.key().map(key_text) };
        self.recorder.started(Started {
            topic: first.topic(),
            partition: first.partition(),
            term: deliver.term.get(),
            offset: deliver.first.get(),
            attempt: deliver.attempt.get(),
            key: key.as_deref(),
            last: is_batch.then_some(deliver.last.get()),
            count: is_batch.then_some(deliver.count.into()),
        });
    }

    fn commit_sent(&self, effect: EffectId, positions: &[CommitPosition]) {
        let positions = positions
            .iter()
            .map(|it| PositionLine {
                topic: &it.partition.topic,
                partition: it.partition.partition,
                term: it.term.get(),
                position: it.position.get(),
            })
            .collect();
        self.write(Line::CommitSent(CommitSent { commit: effect.0, positions }));
    }

    fn commit_ended(
        &self,
        effect: EffectId,
        positions: &[CommitPosition],
        outcomes: &[(Term, Outcome<()>)],
    ) {
        let results = outcomes
            .iter()
            .filter_map(|(term, outcome)| {
                let asked = positions.iter().find(|it| it.term == *term)?;
                let (outcome, error) = match outcome {
                    Outcome::Done(()) => (CommitOutcome::Done, None),
                    Outcome::Refused(refusal) => {
                        (CommitOutcome::Refused, Some(format!("{refusal:?}")))
                    }
                    Outcome::Unknown => (CommitOutcome::Unknown, None),
                };
                Some(CommitResult {
                    topic: &asked.partition.topic,
                    partition: asked.partition.partition,
                    position: asked.position.get(),
                    outcome,
                    error,
                })
            })
            .collect();
        self.write(Line::CommitEnded(CommitEnded { commit: effect.0, results }));
    }

    fn flow<'a>(
        &self,
        line: impl FnOnce(Pause<'a>) -> Line<'a>,
        term: Term,
        partition: &'a TopicPartition,
        reason: PauseReason,
    ) {
        let reason = match reason {
            PauseReason::User => PauseName::User,
            PauseReason::Backpressure => PauseName::Backpressure,
            PauseReason::Drain => PauseName::Drain,
            // The format has one name for both budgets, and they come and go apart.
            PauseReason::Uncommitted => return,
        };
        let PartitionTerm { topic, partition, term } = coordinates(term, partition);
        self.write(line(Pause { topic, partition, term, reason }));
    }

    fn start_name(&self, why: StartedBy) -> StartName {
        match why {
            StartedBy::Seek => StartName::Seek,
            StartedBy::Start(StartReason::Committed) => StartName::Committed,
            StartedBy::Start(StartReason::Policy) => self.policy,
            StartedBy::Start(StartReason::NewPartition) => StartName::Earliest,
            StartedBy::Start(StartReason::Reset { .. }) => StartName::Reset,
        }
    }

    fn write(&self, line: Line<'_>) {
        self.recorder.record(&line);
    }
}

fn coordinates(term: Term, partition: &TopicPartition) -> PartitionTerm<'_> {
    PartitionTerm { topic: &partition.topic, partition: partition.partition, term: term.get() }
}

/// The key as text, or its bytes in hex.
fn key_text(key: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(key) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => key.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn skip_words(why: SkipReason) -> &'static str {
    match why {
        SkipReason::CommitAt => "the application committed a position above it",
        SkipReason::Seek => "the application sought past it",
        SkipReason::Retention => "retention deleted it, and start.out_of_range says to go on",
        SkipReason::DoneBefore => "the group's metadata says that it is done",
    }
}

/// A topic's id as Kafka's tools write it: base64 with `-` and `_`, without padding.
fn topic_id_text(id: &[u8; 16]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = u128::from_be_bytes(*id);
    // 22 digits of six bits are 132: the last digit has four bits that are zero.
    (0..22)
        .map(|index| {
            let six = if index < 21 { bits >> (122 - 6 * index) } else { bits << 4 };
            char::from(DIGITS[(six & 63) as usize])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_id_is_written_as_kafkas_tools_do() {
        // The ids that Kafka itself has reserved: zero, and that of its metadata topic.
        assert_eq!(topic_id_text(&[0; 16]), "AAAAAAAAAAAAAAAAAAAAAA");
        let mut one = [0; 16];
        one[15] = 1;
        assert_eq!(topic_id_text(&one), "AAAAAAAAAAAAAAAAAAAAAQ");
        let bytes: [u8; 16] = std::array::from_fn(|index| 0xf0 | index as u8);
        assert_eq!(topic_id_text(&bytes), "8PHy8_T19vf4-fr7_P3-_w");
    }
}
