//! Has the client read: where a term starts, and where a seek goes on.
//!
//! The client starts a partition at an explicit position and seeks in one that it reads. Both are
//! calls to its own main thread and wait for no broker. What it cannot do is seek in a partition
//! whose position fell out of the log: it has stopped that one for good, and only taking it out of
//! the assignment and adding it again starts it. While the group's question waits, the same call
//! would be the answer to that question, so then it has to wait.

use std::time::Duration;

use surefoot_core::{
    EffectId, Input, Outcome, Position, Refusal, SeekReason, StartReason, Term, TopicPartition,
};

use super::Room;
use super::held::{Held, Reader, Reading};
use super::observed::{Observed, StartedBy};
use crate::kafka::native::{Code, Event, Failure, PartitionQueue, RebalanceProtocol, StartAt};
use crate::kafka::verdict;

/// A partition whose start is known and which the client does not read yet.
pub(super) struct Known {
    pub(super) term: Term,
    pub(super) start: StartAt,
}

/// Where a seek goes.
pub(super) struct Seek {
    pub(super) term: Term,
    pub(super) old: Term,
    pub(super) partition: TopicPartition,
    pub(super) position: Position,
    pub(super) reason: SeekReason,
}

impl Room {
    /// Asks where a term starts: that of a new assignment, or of a seek whose position must be
    /// looked up first.
    pub(super) fn find_start(
        &mut self,
        term: Term,
        partition: TopicPartition,
        timestamp: Option<i64>,
    ) {
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

    pub(super) fn note_start(
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
        let mut known = std::mem::take(&mut self.known);
        // A term may have ended since its start was decided.
        known.retain(|it| self.held.iter().any(|held| held.is_of(it.term) && !held.is_read()));
        if known.is_empty() {
            return;
        }
        let starts: Vec<_> = known.into_iter().map(|known| known.start).collect();
        let added = match self.client.rebalance_protocol() {
            RebalanceProtocol::Eager => self.assign_all(starts),
            RebalanceProtocol::Cooperative | RebalanceProtocol::None => self.assign_more(starts),
        };
        if let Err(failure) = added {
            self.fail(&failure, "partitions cannot be assigned");
        }
    }

    fn assign_more(&mut self, starts: Vec<StartAt>) -> Result<(), Failure> {
        let queues = self.client.incremental_assign(&starts)?;
        self.read_from(queues, starts);
        Ok(())
    }

    /// The eager protocol knows only whole assignments: what is read already goes on from where it
    /// is, unless `starts` says otherwise.
    fn assign_all(&mut self, mut starts: Vec<StartAt>) -> Result<(), Failure> {
        for held in &self.held {
            let Reading::From(reader) = &held.reading else { continue };
            if starts.iter().all(|start| start.partition != held.partition) {
                starts.push(StartAt {
                    partition: held.partition.clone(),
                    position: reader.next,
                    leader_epoch: reader.leader_epoch,
                });
            }
        }
        let queues = self.client.assign(&starts)?;
        self.read_from(queues, starts);
        Ok(())
    }

    fn read_from(&mut self, queues: Vec<PartitionQueue>, starts: Vec<StartAt>) {
        for (queue, start) in queues.into_iter().zip(starts) {
            let StartAt { partition, position: next, leader_epoch } = start;
            if let Some(held) = self.held.iter_mut().find(|held| held.partition == partition) {
                held.reading = Reading::From(Reader { queue, next, leader_epoch });
            }
        }
        self.busy = true;
    }

    /// Goes on elsewhere under a new term.
    pub(super) fn seek(&mut self, id: EffectId, seek: Seek) {
        // A start that was decided earlier in this turn comes first.
        self.start_reading();
        let before = self.next_position(&seek.partition);
        let outcome = self.try_seek(&seek);
        if outcome == Outcome::Done(()) {
            self.note_seek(&seek, before);
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
        let code =
            match self.client.seek(std::slice::from_ref(&target), super::CLIENT_ANSWERS_WITHIN) {
                Ok(results) => match results.into_iter().find(|(it, _)| *it == seek.partition) {
                    Some((_, Ok(()))) => return Outcome::Done(()),
                    Some((_, Err(code))) => code,
                    None => return Outcome::Unknown,
                },
                Err(failure) => failure.code,
            };
        if code == Code::STATE { self.restart(target) } else { verdict::lookup_outcome(code) }
    }

    /// Starts a partition anew that the client has stopped.
    fn restart(&mut self, start: StartAt) -> Outcome<()> {
        if self.giveback.is_some() {
            return Outcome::Refused(Refusal::Unavailable);
        }
        let restarted = match self.client.rebalance_protocol() {
            RebalanceProtocol::Eager => self.assign_all(vec![start]),
            RebalanceProtocol::Cooperative | RebalanceProtocol::None => {
                let taken_out = std::slice::from_ref(&start.partition);
                self.client.incremental_unassign(taken_out).and_then(|()| {
                    self.forfeit_questions();
                    self.assign_more(vec![start])
                })
            }
        };
        match restarted {
            Ok(()) => Outcome::Done(()),
            Err(failure) => {
                self.fail(&failure, "a partition cannot be started anew");
                Outcome::Unknown
            }
        }
    }

    /// What the group asked for before the call that just returned was answered by that call: the
    /// next owner may have started, and these partitions are lost and not to be drained.
    fn forfeit_questions(&mut self) {
        while let Some(mut event) = self.client.poll_event(Duration::ZERO) {
            if let Event::Revoked { lost, .. } = &mut event {
                *lost = true;
            }
            self.unheard.push_back(event);
        }
    }

    fn next_position(&mut self, partition: &TopicPartition) -> Option<Position> {
        let held = self.held.iter_mut().find(|held| held.partition == *partition)?;
        held.reader().map(|reader| reader.next)
    }

    fn note_seek(&mut self, seek: &Seek, before: Option<Position>) {
        let &Seek { term, position, .. } = seek;
        let partition = &seek.partition;
        let Some(held) = self.held.iter_mut().find(|it| it.partition == *partition) else { return };
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
}
