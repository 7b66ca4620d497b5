//! Does what the engine decided, in its order.
//!
//! The process may die between any two outputs, and the engine counts on nothing but the order.
//! Two things are put off to the end of the turn because nobody can tell: deliveries travel to the
//! handlers in one message, and lookups and starts of many partitions go to the client in one
//! call. Whatever an output leads to comes back as an input later, never from in here.

use surefoot_core::{
    CommitPosition, Deliver, DeliveryUnit, Effect, EffectId, Input, Outcome, Output, PauseReason,
    Position, Refusal, Released, SkipReason, Term,
};

use super::Room;
use super::observed::Observed;
use super::reading::{Known, Seek};
use crate::kafka::native::{CommitEntry, Failure, StartAt};
use crate::kafka::verdict;
use crate::link::Work;

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
                if records.len() != deliver.count as usize {
                    records.retain(|it| (deliver.first..=deliver.last).contains(&it.offset()));
                }
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
