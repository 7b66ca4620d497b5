//! Requests to brokers that wait for their answers, and the application's questions.
//!
//! Each request has a number, given to the client and handed back with the answer. What the
//! application asks is answered from here when the engine has no part in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use surefoot_core::{Committed, TopicPartition};
use tokio::sync::oneshot;

use super::Room;
use super::starts::Part;
use crate::kafka::native::{Code, Event, Failure, LogOffset, OffsetSpec, Stability};
use crate::link::{OffsetsAnswer, Query};
use crate::snapshot::Snapshot;

/// What a request over several partitions came back with: an answer or an error for each, or an
/// error for all.
pub(super) type EachAnswer<T> = Result<Vec<(TopicPartition, Result<T, Code>)>, Failure>;

/// How long a question of the application may take; applications put their own timeout around it.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests under way.
#[derive(Default)]
pub(super) struct Requests {
    waiting: BTreeMap<u64, Purpose>,
    last: u64,
}

/// What a request is for.
pub(super) enum Purpose {
    /// A part of a round of lookups.
    Start(u64, Part),
    /// The application asks for offsets.
    Application(oneshot::Sender<OffsetsAnswer>),
    /// The ends of what is held.
    Ends,
}

impl Requests {
    /// A number for a request that is about to be sent.
    pub(super) fn add(&mut self, purpose: Purpose) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, purpose);
        self.last
    }

    /// What the request with this number was for; `None` if it was answered before.
    pub(super) fn take(&mut self, request: u64) -> Option<Purpose> {
        self.waiting.remove(&request)
    }

    /// Forgets all: the client that would answer is gone, and so whoever waits is told.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl Room {
    /// An answer to a request.
    pub(super) fn on_answer(&mut self, event: Event) {
        match event {
            Event::CommittedOffsets { opaque, result } => match self.requests.take(opaque) {
                Some(Purpose::Start(round, _)) => self.on_committed_part(round, result),
                Some(Purpose::Application(reply)) => {
                    let offset = |stored: Option<Committed>| stored.map(|it| it.position.get());
                    // Nobody waits any more if this fails.
                    let _ = reply.send(answer(result, offset));
                }
                Some(Purpose::Ends) | None => {}
            },
            Event::ListedOffsets { opaque, result } => match self.requests.take(opaque) {
                Some(Purpose::Start(round, part)) => self.on_offsets_part(round, part, result),
                Some(Purpose::Application(reply)) => {
                    let offset = |found: LogOffset| found.position.map(|it| it.get());
                    // As above.
                    let _ = reply.send(answer(result, offset));
                }
                Some(Purpose::Ends) => self.on_ends(result),
                None => {}
            },
            Event::DescribedTopics { opaque, result } => {
                if let Some(Purpose::Start(round, _)) = self.requests.take(opaque) {
                    self.on_topics_part(round, result);
                }
            }
            Event::Assigned(_)
            | Event::Revoked { .. }
            | Event::CommitEnded { .. }
            | Event::Fault(_) => unreachable!("only answers are dispatched here"),
        }
    }

    /// A question of the application.
    pub(super) fn on_query(&mut self, query: Query) {
        match query {
            Query::Snapshot(reply) => {
                let snapshot = Snapshot::new(self.engine.snapshot(self.now), |it| self.ends.of(it));
                // Nobody waits any more if this fails.
                let _ = reply.send(snapshot);
                self.refresh_ends();
            }
            Query::Assigned(topic, reply) => {
                let of_topic = |it: &&TopicPartition| topic.as_ref().is_none_or(|t| it.topic == *t);
                // As above.
                let _ = reply.send(self.partitions().filter(of_topic).cloned().collect());
            }
            Query::OffsetsForTime(partitions, millis, reply) => {
                let partitions = self.named_or_all(partitions);
                if partitions.is_empty() {
                    // As above.
                    let _ = reply.send(Ok(Vec::new()));
                    return;
                }
                let spec = OffsetSpec::Timestamp(millis);
                let asked: Vec<_> = partitions.into_iter().map(|it| (it, spec)).collect();
                let isolation = self.settings.isolation();
                let request = self.requests.add(Purpose::Application(reply));
                let sent = self.client.list_offsets(request, &asked, isolation, QUERY_TIMEOUT);
                self.refuse_unsent(request, sent);
            }
            Query::Committed(partitions, reply) => {
                let partitions = self.named_or_all(partitions);
                if partitions.is_empty() {
                    // As above.
                    let _ = reply.send(Ok(Vec::new()));
                    return;
                }
                let request = self.requests.add(Purpose::Application(reply));
                let sent = self.client.committed_offsets(
                    request,
                    self.settings.group(),
                    &partitions,
                    Stability::Required,
                    QUERY_TIMEOUT,
                );
                self.refuse_unsent(request, sent);
            }
        }
    }

    fn named_or_all(&self, partitions: Vec<TopicPartition>) -> Vec<TopicPartition> {
        if partitions.is_empty() { self.partitions().cloned().collect() } else { partitions }
    }

    fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.held.iter().map(|held| &held.partition)
    }

    fn refuse_unsent(&mut self, request: u64, sent: Result<(), Failure>) {
        let Err(failure) = sent else { return };
        if let Some(Purpose::Application(reply)) = self.requests.take(request) {
            // Nobody waits any more if this fails.
            let _ = reply.send(Err(words(&failure)));
        }
    }

    /// Looks the ends up again if what is known is old. Whoever asked has the old ones by then: a
    /// snapshot does not wait for brokers.
    fn refresh_ends(&mut self) {
        if self.held.is_empty() || !self.ends.wants_refresh(self.now.mono) {
            return;
        }
        let asked: Vec<_> = self.partitions().cloned().map(|it| (it, OffsetSpec::Latest)).collect();
        let isolation = self.settings.isolation();
        let request = self.requests.add(Purpose::Ends);
        let sent = self.client.list_offsets(request, &asked, isolation, QUERY_TIMEOUT);
        if let Err(failure) = sent {
            self.requests.take(request);
            tracing::debug!(%failure, "the ends of the logs cannot be looked up");
        }
    }

    fn on_ends(&mut self, result: EachAnswer<LogOffset>) {
        let Ok(offsets) = result else { return };
        for (partition, offset) in offsets {
            let Ok(LogOffset { position: Some(end), .. }) = offset else { continue };
            if self.held.iter().any(|held| held.partition == partition) {
                self.ends.saw(&partition, end);
            }
        }
    }
}

/// All answers, or the first error in the place of one.
fn answer<T>(result: EachAnswer<T>, offset: impl Fn(T) -> Option<i64>) -> OffsetsAnswer {
    let answers = result.map_err(|failure| words(&failure))?;
    answers
        .into_iter()
        .map(|(partition, answer)| match answer {
            Ok(answer) => Ok((partition, offset(answer))),
            Err(code) => Err(format!("{partition}: {}", code.description()).into()),
        })
        .collect()
}

fn words(failure: &Failure) -> Arc<str> {
    failure.to_string().into()
}
