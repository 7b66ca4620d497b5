//! Finds out where partitions start, for many at once.
//!
//! A start needs up to five facts from three kinds of broker: what the group stores, both ends of
//! the log, the position of a time, and the topic's id. They are asked together, for all
//! partitions that ask in one turn, so that an assignment of a thousand costs as many requests as
//! one of one. Which partitions a topic had when it was first looked at is remembered: one that
//! came later begins at its first record.
//!
//! An error is neither "no committed offset" nor an end at zero. Whatever is missing makes the
//! answer for that partition refused or unknown, and the engine asks again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use surefoot_core::{Committed, Input, Mono, Outcome, Position, StartFacts, Term, TopicPartition};

use super::Room;
use super::requests::{EachAnswer, Purpose};
use crate::kafka::native::{
    Code, Failure, Isolation, LogOffset, OffsetSpec, Stability, TopicDescription, TopicFacts,
};
use crate::kafka::verdict;

/// How long a broker may take to answer. Long enough for a coordinator that moves, short enough
/// that a lost answer is noticed.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// The client answers each request by its own timeout; this is for one that it forgets.
const LOOKUP_DEADLINE: Duration = Duration::from_secs(15);

/// The lookups that wait to be sent, and those that wait for answers.
#[derive(Default)]
pub(super) struct Starts {
    questions: BTreeMap<TopicPartition, Question>,
    rounds: BTreeMap<u64, Round>,
    last_round: u64,
    /// How many partitions each topic had when it was first looked at.
    first_seen: BTreeMap<Arc<str>, usize>,
}

#[derive(Clone, Copy)]
struct Question {
    term: Term,
    timestamp: Option<i64>,
}

/// A part of a round, by what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Committed,
    LogStart,
    LogEnd,
    HighWatermark,
    AtTime,
    Topics,
}

type Answers<T> = BTreeMap<TopicPartition, Result<T, Code>>;

/// The questions that were asked together.
struct Round {
    questions: BTreeMap<TopicPartition, Question>,
    deadline: Mono,
    waiting: BTreeSet<Part>,
    committed: Answers<Option<Committed>>,
    log_start: Answers<LogOffset>,
    log_end: Answers<LogOffset>,
    high_watermark: Answers<LogOffset>,
    at_time: Answers<LogOffset>,
    topics: BTreeMap<String, Result<TopicFacts, Code>>,
}

impl Starts {
    /// Asks where a partition starts. A later question for the same partition replaces one that
    /// was not sent: its term is over.
    pub(super) fn ask(&mut self, partition: TopicPartition, term: Term, timestamp: Option<i64>) {
        self.questions.insert(partition, Question { term, timestamp });
    }

    /// How many partitions a topic had when it was first looked at, as far as that is known.
    fn at_first(&mut self, partition: &TopicPartition, round: &Round) -> Option<usize> {
        if let Some(&partitions) = self.first_seen.get(&partition.topic) {
            return Some(partitions);
        }
        let Some(Ok(facts)) = round.topics.get(&*partition.topic) else { return None };
        self.first_seen.insert(Arc::clone(&partition.topic), facts.partitions);
        Some(facts.partitions)
    }

    /// When the next round gives up.
    pub(super) fn next_deadline(&self) -> Option<Mono> {
        self.rounds.values().map(|round| round.deadline).min()
    }

    /// Forgets everything: the client that would answer is gone.
    pub(super) fn clear(&mut self) {
        self.questions.clear();
        self.rounds.clear();
    }
}

impl Room {
    /// Sends what was asked since the last time.
    pub(super) fn send_lookups(&mut self) {
        if self.starts.questions.is_empty() {
            return;
        }
        let questions = std::mem::take(&mut self.starts.questions);
        self.starts.last_round += 1;
        let id = self.starts.last_round;
        let partitions: Vec<_> = questions.keys().cloned().collect();
        let at_time: Vec<_> = questions
            .iter()
            .filter_map(|(it, question)| {
                Some((it.clone(), OffsetSpec::Timestamp(question.timestamp?)))
            })
            .collect();
        let mut round = Round::new(questions, self.now);
        round.waiting.extend([
            Part::Committed,
            Part::LogStart,
            Part::LogEnd,
            Part::HighWatermark,
            Part::Topics,
        ]);
        round.waiting.extend((!at_time.is_empty()).then_some(Part::AtTime));
        self.starts.rounds.insert(id, round);
        self.ask_committed(id, &partitions);
        let at = |spec| partitions.iter().cloned().map(|it| (it, spec)).collect::<Vec<_>>();
        self.ask_offsets(id, Part::LogStart, &at(OffsetSpec::Earliest));
        self.ask_offsets(id, Part::LogEnd, &at(OffsetSpec::Latest));
        self.ask_offsets(id, Part::HighWatermark, &at(OffsetSpec::Latest));
        if !at_time.is_empty() {
            self.ask_offsets(id, Part::AtTime, &at_time);
        }
        let topics: BTreeSet<_> = partitions.iter().map(|it| &*it.topic).collect();
        let topics: Vec<_> = topics.into_iter().collect();
        let request = self.requests.add(Purpose::Start(id, Part::Topics));
        self.client.describe_topics(request, &topics, LOOKUP_TIMEOUT);
    }

    fn ask_committed(&mut self, id: u64, partitions: &[TopicPartition]) {
        let request = self.requests.add(Purpose::Start(id, Part::Committed));
        let sent = self.client.committed_offsets(
            request,
            self.settings.group(),
            partitions,
            Stability::Required,
            LOOKUP_TIMEOUT,
        );
        if let Err(failure) = sent {
            self.requests.take(request);
            self.on_committed_part(id, Err(failure));
        }
    }

    fn ask_offsets(&mut self, id: u64, part: Part, partitions: &[(TopicPartition, OffsetSpec)]) {
        let request = self.requests.add(Purpose::Start(id, part));
        let isolation = match part {
            Part::HighWatermark => Isolation::ReadUncommitted,
            _ => self.settings.isolation(),
        };
        let sent = self.client.list_offsets(request, partitions, isolation, LOOKUP_TIMEOUT);
        if let Err(failure) = sent {
            self.requests.take(request);
            self.on_offsets_part(id, part, Err(failure));
        }
    }

    /// What the group stores came, or did not.
    pub(super) fn on_committed_part(&mut self, id: u64, result: EachAnswer<Option<Committed>>) {
        let Some(round) = self.starts.rounds.get_mut(&id) else { return };
        match result {
            Ok(answers) => round.committed.extend(answers),
            Err(failure) => round.fail(Part::Committed, failure.code),
        }
        self.part_done(id, Part::Committed);
    }

    /// Offsets of the log came, or did not.
    pub(super) fn on_offsets_part(&mut self, id: u64, part: Part, result: EachAnswer<LogOffset>) {
        let Some(round) = self.starts.rounds.get_mut(&id) else { return };
        match result {
            Ok(answers) => round.offsets(part).extend(answers),
            Err(failure) => round.fail(part, failure.code),
        }
        self.part_done(id, part);
    }

    /// Descriptions of topics came, or did not.
    pub(super) fn on_topics_part(
        &mut self,
        id: u64,
        result: Result<Vec<TopicDescription>, Failure>,
    ) {
        let Some(round) = self.starts.rounds.get_mut(&id) else { return };
        match result {
            Ok(topics) => {
                for described in topics {
                    let facts = described.result.map_err(|failure| failure.code);
                    round.topics.insert(described.topic, facts);
                }
            }
            Err(failure) => round.fail(Part::Topics, failure.code),
        }
        self.part_done(id, Part::Topics);
    }

    fn part_done(&mut self, id: u64, part: Part) {
        let Some(round) = self.starts.rounds.get_mut(&id) else { return };
        round.waiting.remove(&part);
        if round.waiting.is_empty() {
            self.answer_round(id);
        }
    }

    /// Rounds that took too long.
    pub(super) fn give_up_lookups(&mut self) {
        let late: Vec<_> = self
            .starts
            .rounds
            .iter()
            .filter(|(_, round)| round.deadline <= self.now.mono)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            self.answer_round(id);
        }
    }

    fn answer_round(&mut self, id: u64) {
        let Some(round) = self.starts.rounds.remove(&id) else { return };
        for (partition, question) in &round.questions {
            let at_first = self.starts.at_first(partition, &round);
            let outcome = round.outcome(partition, question, at_first);
            match &outcome {
                Outcome::Done(facts) => {
                    self.ends.saw(partition, facts.log_end);
                    if let Some(held) = self.held.iter_mut().find(|it| it.partition == *partition) {
                        held.committed = facts.committed.as_ref().map(|it| it.position);
                        held.topic_id = facts.topic_id;
                    }
                }
                Outcome::Refused(refusal) => {
                    tracing::warn!(%partition, ?refusal, "its start cannot be looked up now");
                }
                Outcome::Unknown => {
                    tracing::warn!(%partition, "its start is unknown: no answer in time");
                }
            }
            let outcome = match outcome {
                Outcome::Refused(refusal) => Outcome::Refused(self.with_grace(refusal)),
                other => other,
            };
            self.backlog.push_back(Input::StartFound { term: question.term, outcome });
        }
    }
}

impl Round {
    fn new(questions: BTreeMap<TopicPartition, Question>, now: surefoot_core::Now) -> Self {
        Self {
            questions,
            deadline: now.mono.after(LOOKUP_DEADLINE),
            waiting: BTreeSet::new(),
            committed: Answers::new(),
            log_start: Answers::new(),
            log_end: Answers::new(),
            high_watermark: Answers::new(),
            at_time: Answers::new(),
            topics: BTreeMap::new(),
        }
    }

    fn offsets(&mut self, part: Part) -> &mut Answers<LogOffset> {
        match part {
            Part::LogStart => &mut self.log_start,
            Part::HighWatermark => &mut self.high_watermark,
            Part::AtTime => &mut self.at_time,
            _ => &mut self.log_end,
        }
    }

    /// A whole request failed: so did each of its parts.
    fn fail(&mut self, part: Part, code: Code) {
        let partitions: Vec<_> = self.questions.keys().cloned().collect();
        match part {
            Part::Committed => {
                self.committed.extend(partitions.into_iter().map(|it| (it, Err(code))));
            }
            Part::LogStart | Part::LogEnd | Part::HighWatermark | Part::AtTime => {
                self.offsets(part).extend(partitions.into_iter().map(|it| (it, Err(code))));
            }
            Part::Topics => {
                let topics = partitions.into_iter().map(|it| (it.topic.to_string(), Err(code)));
                self.topics.extend(topics);
            }
        }
    }

    /// What a question's answers amount to. `at_first` is how many partitions the topic had when it
    /// was first looked at.
    fn outcome(
        &self,
        partition: &TopicPartition,
        question: &Question,
        at_first: Option<usize>,
    ) -> Outcome<StartFacts> {
        match self.facts(partition, question, at_first) {
            Ok(facts) => Outcome::Done(facts),
            Err(Some(code)) => verdict::lookup_outcome(code),
            Err(None) => Outcome::Unknown,
        }
    }

    /// The facts, or the code that stands in the place of one of them, or that one is missing.
    fn facts(
        &self,
        partition: &TopicPartition,
        question: &Question,
        at_first: Option<usize>,
    ) -> Result<StartFacts, Option<Code>> {
        let committed = read(&self.committed, partition)?.clone();
        let log_start = known(read(&self.log_start, partition)?)?;
        let log_end = known(read(&self.log_end, partition)?)?;
        let high_watermark = known(read(&self.high_watermark, partition)?)?;
        let at_time = match question.timestamp {
            Some(_) => read(&self.at_time, partition)?.position,
            None => None,
        };
        let topic = match self.topics.get(&*partition.topic) {
            Some(Ok(facts)) => Some(facts),
            // Without its number of partitions a new one cannot be told from an old one.
            Some(Err(code)) if committed.is_none() => return Err(Some(*code)),
            None if committed.is_none() => return Err(None),
            Some(Err(_)) | None => None,
        };
        let index = usize::try_from(partition.partition).unwrap_or(0);
        Ok(StartFacts {
            committed,
            added_later: at_first.is_some_and(|partitions| index >= partitions),
            log_start,
            log_end,
            high_watermark,
            at_time,
            topic_id: topic.and_then(|facts| facts.id),
            done_above: Vec::new(),
        })
    }
}

fn read<'a, T>(answers: &'a Answers<T>, partition: &TopicPartition) -> Result<&'a T, Option<Code>> {
    match answers.get(partition) {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(code)) => Err(Some(*code)),
        None => Err(None),
    }
}

fn known(offset: &LogOffset) -> Result<Position, Option<Code>> {
    offset.position.ok_or(None)
}

#[cfg(test)]
mod tests {
    use surefoot_core::{Now, Refusal};

    use super::*;

    fn partition(index: i32) -> TopicPartition {
        TopicPartition::new("orders", index)
    }

    fn code(number: i32) -> Code {
        Code::from_raw(number).unwrap()
    }

    fn at(position: i64) -> Result<LogOffset, Code> {
        let position = Some(Position::new(position));
        Ok(LogOffset { position, leader_epoch: None, timestamp: None })
    }

    /// A round for `orders[0]` of three partitions, all answered: nothing committed, log 10..20.
    fn round() -> Round {
        let question = Question { term: Term::new(1), timestamp: None };
        let now = Now { mono: Mono::default(), wall_ms: 0 };
        let mut round = Round::new(BTreeMap::from([(partition(0), question)]), now);
        round.committed.insert(partition(0), Ok(None));
        round.log_start.insert(partition(0), at(10));
        round.log_end.insert(partition(0), at(20));
        round.high_watermark.insert(partition(0), at(25));
        let facts = TopicFacts { id: Some([7; 16]), partitions: 3 };
        round.topics.insert("orders".to_owned(), Ok(facts));
        round
    }

    fn outcome(round: &Round) -> Outcome<StartFacts> {
        round.outcome(&partition(0), &round.questions[&partition(0)], Some(3))
    }

    #[test]
    fn everything_answered_is_done() {
        let Outcome::Done(facts) = outcome(&round()) else { panic!("it is answered") };
        assert_eq!(facts.committed, None);
        assert!(!facts.added_later);
        assert_eq!((facts.log_start.get(), facts.log_end.get()), (10, 20));
        assert_eq!(facts.topic_id, Some([7; 16]));
    }

    #[test]
    fn row_26_an_error_in_the_place_of_an_offset_is_not_its_absence() {
        let mut round = round();
        for (number, expected) in [
            (88, Outcome::Refused(Refusal::Unavailable)),
            (113, Outcome::Refused(Refusal::Rebalancing)),
            (16, Outcome::Unknown),
            (-185, Outcome::Unknown),
            (30, Outcome::Refused(Refusal::Unauthorized)),
        ] {
            round.committed.insert(partition(0), Err(code(number)));
            assert_eq!(outcome(&round), expected, "code {number}");
        }
    }

    #[test]
    fn row_46_a_partition_that_was_not_there_at_first_is_new() {
        let mut starts = Starts::default();
        let first = round();
        assert_eq!(starts.at_first(&partition(0), &first), Some(3));
        let mut later = round();
        let facts = TopicFacts { id: Some([7; 16]), partitions: 4 };
        later.topics.insert("orders".to_owned(), Ok(facts));
        assert_eq!(starts.at_first(&partition(3), &later), Some(3));
        let question = later.questions[&partition(0)];
        let outcome = later.outcome(&partition(0), &question, Some(0));
        let Outcome::Done(facts) = outcome else { panic!("it is answered") };
        assert!(facts.added_later);
    }

    #[test]
    fn a_missing_answer_is_unknown() {
        for forget in [
            |round: &mut Round| round.committed.clear(),
            |round: &mut Round| round.log_start.clear(),
            |round: &mut Round| round.log_end.clear(),
            |round: &mut Round| round.high_watermark.clear(),
            |round: &mut Round| round.topics.clear(),
        ] {
            let mut round = round();
            forget(&mut round);
            assert_eq!(outcome(&round), Outcome::Unknown);
        }
    }

    #[test]
    fn a_time_that_no_record_reached_is_an_answer() {
        let mut round = round();
        let question = Question { term: Term::new(1), timestamp: Some(99) };
        assert_eq!(round.outcome(&partition(0), &question, Some(3)), Outcome::Unknown);
        let none = LogOffset { position: None, leader_epoch: None, timestamp: None };
        round.at_time.insert(partition(0), Ok(none));
        let Outcome::Done(facts) = round.outcome(&partition(0), &question, Some(3)) else {
            panic!("it is answered")
        };
        assert_eq!(facts.at_time, None);
    }
}
