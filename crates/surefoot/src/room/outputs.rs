//! Does what the engine decided, in its order.
//!
//! The process may die between any two outputs, and the engine counts on nothing but the order.
//! Two things are put off to the end of the turn because nobody can tell: deliveries travel to the
//! handlers in one message, and lookups and starts of many partitions go to the client in one
//! call. Whatever an output leads to comes back as an input later, never from in here.

use std::collections::BTreeMap;

use surefoot_core::{
    CommitPosition, Deliver, DeliveryUnit, Effect, EffectId, Input, Outcome, Output, PauseReason,
    Position, Refusal, Released, SeekReason, SkipReason, StartReason, Term, TopicPartition,
};

use super::Room;
use super::held::{Held, Reader, Reading};
use super::observed::{Observed, StartedBy};
use crate::kafka::native::{CommitEntry, Failure, RebalanceProtocol, StartAt};
use crate::kafka::verdict;
use crate::link::Work;

/// A partition whose start is known and which the client does not read yet.
pub(super) struct Known {
    term: Term,
    start: StartAt,
}

/// Where a seek goes.
struct Seek {
    term: Term,
    old: Term,
    partition: TopicPartition,
    position: Position,
    reason: SeekReason,
}

impl Room {
    /// Feeds everything that waits to the engine, and does what follows.
    pub(super) fn settle(&mut self) {
        while let Some(input) = self.backlog.pop_front() {
            self.engine.handle_input(self.now, input);
            self.perform_all();
        }
    }

    /// Does the engine's outputs.
    pub(super) fn perform_all(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::FindStart { term, partition, timestamp } => {
                self.find_start(term, partition, timestamp);
            }
            Output::StartFetching { term, partition, position, leader_epoch, reason } => {
                self.note_start(term, &partition, position, reason);
                let start = StartAt { partition, position, leader_epoch };
                self.known.push(Known { term, start });
            }
            Output::Deliver(deliver) => self.deliver(deliver),
            Output::Discard(token) => self.payloads.discard(token),
            Output::Pause { term, reason } => self.pause(term, reason),
            Output::Resume { term, reason, flowing } => self.resume(term, reason, flowing),
            Output::Skipped { term, from, to, reason } => self.note_skip(term, from, to, reason),
            Output::Effect { id, effect: Effect::Commit(positions) } => self.commit(id, positions),
            Output::Effect {
                id,
                effect: Effect::Seek { term, old, partition, position, reason },
            } => self.seek(id, Seek { term, old, partition, position, reason }),
            Output::Cancel { term } => {
                self.flush_deliveries();
                self.send_work(Work::Cancel(term));
            }
            Output::Release(released) => self.release(&released),
            Output::Renew => self.renew_client(),
            Output::Answer { id, answer } => {
                if let Some(reply) = self.controls.remove(&id) {
                    // Nobody waits any more if this fails.
                    let _ = reply.send(answer);
                }
            }
            Output::Stopped(stopped) => self.stopped = Some(stopped),
        }
    }

    fn find_start(&mut self, term: Term, partition: TopicPartition, timestamp: Option<i64>) {
        match self.held.iter_mut().find(|held| held.partition == partition) {
            None => {
                self.observer.tell(&Observed::Assigned { term, partition: &partition });
                self.held.push(Held::new(partition.clone(), term));
            }
            // The position of a seek must be looked up first.
            Some(held) if held.term != term => {
                let old = held.term;
                if held.begin_seek(term) {
                    self.observer.tell(&Observed::Sought {
                        term: old,
                        new_term: term,
                        partition: &partition,
                        position: None,
                    });
                }
            }
            // Asked again.
            Some(_) => {}
        }
        self.starts.ask(partition, term, timestamp);
    }

    fn note_start(
        &mut self,
        term: Term,
        partition: &TopicPartition,
        position: Position,
        reason: StartReason,
    ) {
        if let StartReason::Reset { from } = reason {
            tracing::warn!(%partition, %from, to = %position, "the committed position was reset");
            self.observer.tell(&Observed::Reset { term, partition, from, to: position });
        }
        tracing::info!(%partition, %term, %position, ?reason, "reading starts");
        let held = self.held.iter().find(|held| held.partition == *partition);
        self.observer.tell(&Observed::StartKnown {
            term,
            partition,
            position,
            committed: held.and_then(|held| held.committed),
            why: StartedBy::Start(reason),
            topic_id: held.and_then(|held| held.topic_id),
        });
    }

    /// Has the client read the partitions whose start is known.
    pub(super) fn start_reading(&mut self) {
        if self.known.is_empty() {
            return;
        }
        let known = std::mem::take(&mut self.known);
        let protocol = self.client.rebalance_protocol();
        let mut starts = Vec::with_capacity(known.len());
        let mut terms: BTreeMap<TopicPartition, Term> = BTreeMap::new();
        for known in known {
            let current = self.held.iter().any(|it| it.is_of(known.term) && !it.is_read());
            if current {
                terms.insert(known.start.partition.clone(), known.term);
                starts.push(known.start);
            }
        }
        if starts.is_empty() {
            return;
        }
        let queues = match protocol {
            RebalanceProtocol::Eager => {
                // The protocol knows only whole assignments: what is read already goes on from
                // where it is.
                starts.extend(self.held.iter_mut().filter_map(|held| {
                    let partition = held.partition.clone();
                    let Reading::From(reader) = &held.reading else { return None };
                    let (position, leader_epoch) = (reader.next, reader.leader_epoch);
                    Some(StartAt { partition, position, leader_epoch })
                }));
                self.client.assign(&starts)
            }
            RebalanceProtocol::Cooperative | RebalanceProtocol::None => {
                self.client.incremental_assign(&starts)
            }
        };
        match queues {
            Ok(queues) => {
                for (queue, start) in queues.into_iter().zip(starts) {
                    let Some(held) =
                        self.held.iter_mut().find(|held| held.partition == start.partition)
                    else {
                        continue;
                    };
                    match &mut held.reading {
                        Reading::From(reader) => reader.queue = queue,
                        Reading::NotYet => {
                            held.reading = Reading::From(Reader {
                                queue,
                                next: start.position,
                                leader_epoch: start.leader_epoch,
                            });
                        }
                    }
                }
                self.busy = true;
            }
            Err(failure) => self.fail(&failure, "partitions cannot be assigned"),
        }
    }

    fn deliver(&mut self, deliver: Deliver) {
        match self.unit {
            DeliveryUnit::Record => {
                let record = self.payloads.take(deliver.token);
                let records = std::slice::from_ref(&record);
                self.observer.tell(&Observed::Started { deliver: &deliver, records });
                self.outbox.push((deliver, record));
            }
            DeliveryUnit::Batch => {
                let mut records = self.payloads.take_batch(deliver.token);
                records.retain(|it| (deliver.first..=deliver.last).contains(&it.offset()));
                self.observer.tell(&Observed::Started { deliver: &deliver, records: &records });
                self.send_work(Work::Batch(deliver, records));
            }
        }
    }

    /// Sends the deliveries of single records that were collected.
    pub(super) fn flush_deliveries(&mut self) {
        if !self.outbox.is_empty() {
            let next = Vec::with_capacity(self.outbox.len());
            let deliveries = std::mem::replace(&mut self.outbox, next);
            self.send_work(Work::Records(deliveries));
        }
    }

    pub(super) fn send_work(&mut self, work: Work) {
        if self.work.send(work).is_err() && !self.deserted {
            // Whoever ran the handlers is gone; nobody will ever report.
            self.deserted = true;
            self.backlog.push_back(Input::Abort);
        }
    }

    fn pause(&mut self, term: Term, reason: PauseReason) {
        let Some(held) = self.held.iter_mut().find(|held| held.is_of(term)) else { return };
        held.paused = true;
        let partition = &held.partition;
        self.observer.tell(&Observed::Paused { term, partition, reason });
    }

    fn resume(&mut self, term: Term, reason: PauseReason, flowing: bool) {
        let Some(held) = self.held.iter_mut().find(|held| held.is_of(term)) else { return };
        held.paused = !flowing;
        // What its queue holds woke nobody while it was paused.
        self.busy |= flowing;
        let partition = &held.partition;
        self.observer.tell(&Observed::Resumed { term, partition, reason });
    }

    fn note_skip(&mut self, term: Term, from: Position, to: Position, why: SkipReason) {
        let Some(held) = self.held.iter().find(|held| held.is_of(term)) else { return };
        let partition = &held.partition;
        tracing::warn!(%partition, %from, %to, ?why, "records are passed over");
        self.observer.tell(&Observed::Skipped { term, partition, from, to, why });
    }

    fn commit(&mut self, id: EffectId, positions: Vec<CommitPosition>) {
        self.observer.tell(&Observed::CommitSent { effect: id, positions: &positions });
        let entries: Vec<_> = positions
            .iter()
            .map(|it| CommitEntry {
                partition: it.partition.clone(),
                position: it.position,
                leader_epoch: it.leader_epoch,
                metadata: None,
            })
            .collect();
        // A member that the group replaced and that joined again under a new name would be obeyed.
        let sent = if self.is_same_member() {
            self.client.commit(id.0, &entries).map_err(|it| verdict::commit_outcome(it.code))
        } else {
            Err(Outcome::Refused(Refusal::Fenced))
        };
        let terms: Vec<_> = positions.iter().map(|it| it.term).collect();
        self.commits.insert(id, positions);
        if let Err(outcome) = sent {
            self.commit_ended(id, terms.into_iter().map(|term| (term, outcome.clone())).collect());
        }
    }

    fn seek(&mut self, id: EffectId, seek: Seek) {
        // A start that was decided earlier in this turn comes first.
        self.start_reading();
        let outcome = self.try_seek(&seek);
        if outcome == Outcome::Done(()) {
            self.note_seek(&seek);
        }
        let outcomes = vec![(seek.term, outcome)];
        self.backlog.push_back(Input::EffectEnded { effect: id, outcomes });
    }

    fn try_seek(&mut self, seek: &Seek) -> Outcome<()> {
        let held = self.held.iter_mut().find(|held| held.partition == seek.partition);
        let Some(held) = held.filter(|held| held.is_read()) else {
            return Outcome::Refused(Refusal::Unavailable);
        };
        if held.begin_seek(seek.term) {
            self.observer.tell(&Observed::Sought {
                term: seek.old,
                new_term: seek.term,
                partition: &seek.partition,
                position: Some(seek.position),
            });
        }
        let target = StartAt {
            partition: seek.partition.clone(),
            position: seek.position,
            leader_epoch: None,
        };
        match self.client.seek(std::slice::from_ref(&target), super::CLIENT_ANSWERS_WITHIN) {
            Ok(results) => match results.into_iter().find(|(it, _)| *it == seek.partition) {
                Some((_, Ok(()))) => Outcome::Done(()),
                Some((_, Err(code))) => verdict::lookup_outcome(code),
                None => Outcome::Unknown,
            },
            Err(failure) => verdict::lookup_outcome(failure.code),
        }
    }

    fn note_seek(&mut self, seek: &Seek) {
        let &Seek { term, position, .. } = seek;
        let partition = &seek.partition;
        let Some(held) = self.held.iter_mut().find(|it| it.partition == *partition) else { return };
        let before = held.reader().map(|reader| reader.next);
        held.term = term;
        held.seeking = None;
        if let Some(reader) = held.reader() {
            reader.next = position;
            reader.leader_epoch = None;
        }
        let why = match seek.reason {
            SeekReason::Requested => StartedBy::Seek,
            SeekReason::Reset => {
                let from = before.unwrap_or(position);
                tracing::warn!(%partition, %from, to = %position, "the position was reset");
                self.observer.tell(&Observed::Reset { term, partition, from, to: position });
                StartedBy::Start(StartReason::Reset { from })
            }
        };
        let (committed, topic_id) = (held.committed, held.topic_id);
        self.observer.tell(&Observed::StartKnown {
            term,
            partition,
            position,
            committed,
            why,
            topic_id,
        });
        self.busy = true;
    }

    /// The engine let go of partitions. Handlers that run on are not waited for.
    fn release(&mut self, released: &[Released]) {
        let mut unread = Vec::new();
        for Released { term, partition, unfinished } in released {
            let found = self.held.iter().position(|held| held.partition == *partition);
            let Some(index) = found else { continue };
            let held = self.held.remove(index);
            if !held.lost {
                self.observer.tell(&Observed::Revoked { term: *term, partition });
            }
            tracing::info!(%partition, %term, unfinished, lost = held.lost, "partition released");
            if held.is_read() {
                unread.push(partition.clone());
            }
            self.ends.forget(partition);
        }
        self.let_go(&unread, released);
    }

    pub(super) fn fail(&mut self, failure: &Failure, what: &str) {
        tracing::error!(%failure, "{what}");
        if self.failure.is_none() {
            self.failure = Some(super::ending::RoomError::Client {
                code: failure.code.name(),
                message: format!("{what}: {}", failure.message),
            });
        }
    }
}
