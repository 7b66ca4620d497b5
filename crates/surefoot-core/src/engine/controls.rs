//! Requests from the application: commit, seek, pause, resume.
//!
//! A request over several partitions is checked whole before any of it is done, and answered once,
//! with the worst of its parts. A rebalance never makes it an error: the term ended, and the next
//! owner decides.

use crate::assignment::{Rewind, Stage, UnitState};
use crate::commit::Waiter;
use crate::engine::Engine;
use crate::lane::PartitionIndex;
use crate::{
    Answer, CommitPolicy, Control, ControlId, ControlRefusal, Guarantee, Mono, Output, PauseReason,
    Position, SeekReason, SeekTo, SkipReason, Term, TopicPartition,
};

/// A request whose parts are not all answered.
#[derive(Debug)]
pub(super) struct Pending {
    parts: usize,
    worst: Answer,
}

impl Engine {
    pub(super) fn on_control(&mut self, now: Mono, id: ControlId, request: Control) {
        let refused = match request {
            Control::Commit(partitions) => self.commit_now(now, id, partitions),
            Control::CommitAt(positions) => self.commit_positions(now, id, &positions),
            Control::Seek(partition, to) => self.seek_to(now, id, partition, to),
            Control::Pause(partitions) => self.set_user_pause(now, id, &partitions, true),
            Control::Resume(partitions) => self.set_user_pause(now, id, &partitions, false),
        };
        if let Err(refusal) = refused {
            self.controls.remove(&id);
            self.outputs.push_back(Output::Answer { id, answer: Answer::Refused(refusal) });
        }
    }

    /// The partitions of a request, each held and reading.
    fn readable(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<Vec<PartitionIndex>, ControlRefusal> {
        let one = |name: TopicPartition| {
            let index = self.index.get(&name).copied();
            match index.and_then(|index| Some((index, &self.held(index)?.stage))) {
                Some((index, Stage::Active | Stage::Failed)) => Ok(index),
                Some((index, Stage::Draining)) if self.stopping.is_none() => Ok(index),
                Some(_) if self.stopping.is_some() => Err(ControlRefusal::Stopping),
                _ => Err(ControlRefusal::NotAssigned(name)),
            }
        };
        partitions.into_iter().map(one).collect()
    }

    fn commit_now(
        &mut self,
        now: Mono,
        id: ControlId,
        partitions: Vec<TopicPartition>,
    ) -> Result<(), ControlRefusal> {
        let indexes = if partitions.is_empty() {
            let held = self.indexes().into_iter();
            held.filter(|&index| self.held(index).is_some_and(|held| held.has_start())).collect()
        } else {
            self.readable(partitions)?
        };
        self.expect_parts(id, indexes.len() + 1, Answer::Committed);
        for index in indexes {
            let Some(held) = self.held(index) else {
                continue;
            };
            let position = match self.config.guarantee {
                Guarantee::AtLeastOnce => held.tracker.frontier(),
                // Everything that started is committed; only what is being covered is open.
                Guarantee::AtMostOnce if held.covering > held.covered => held.covering_position,
                Guarantee::AtMostOnce => held.committed.unwrap_or_else(|| held.tracker.frontier()),
            };
            self.want_commit(now, index, id, position);
        }
        self.answer_part(id, Answer::Committed);
        Ok(())
    }

    /// Lets a request wait until `position` is committed.
    fn want_commit(&mut self, now: Mono, index: PartitionIndex, id: ControlId, position: Position) {
        let manual = self.config.commit == CommitPolicy::Manual;
        let partition = &mut self.partitions[index as usize];
        let Some(held) = &partition.assignment else {
            return;
        };
        if held.committed.is_some_and(|committed| committed >= position) {
            self.answer_part(id, Answer::Committed);
            return;
        }
        let slot = &mut partition.commit;
        if manual {
            slot.asked = slot.asked.max(Some(position));
        }
        slot.wanted = true;
        slot.waiters.push(Waiter { control: id, position, since: now });
        self.settle(now, index);
    }

    fn commit_positions(
        &mut self,
        now: Mono,
        id: ControlId,
        positions: &[(TopicPartition, Position)],
    ) -> Result<(), ControlRefusal> {
        let indexes = self.readable(positions.iter().map(|(name, _)| name.clone()))?;
        let targets: Vec<_> =
            indexes.into_iter().zip(positions.iter().map(|(_, position)| *position)).collect();
        for &(index, position) in &targets {
            self.check_position(index, position)?;
        }
        self.expect_parts(id, targets.len() + 1, Answer::Committed);
        for (index, position) in targets {
            self.skip_below(index, position);
            self.want_commit(now, index, id, position);
            self.settle(now, index);
        }
        self.answer_part(id, Answer::Committed);
        Ok(())
    }

    fn check_position(
        &self,
        index: PartitionIndex,
        position: Position,
    ) -> Result<(), ControlRefusal> {
        let partition = &self.partitions[index as usize];
        let name = || partition.name.clone();
        let Some(held) = &partition.assignment else {
            return Err(ControlRefusal::NotAssigned(name()));
        };
        if position > held.tracker.position() {
            return Err(ControlRefusal::AboveRead(name(), held.tracker.position()));
        }
        let below = [held.committed, partition.known_committed].into_iter().flatten().max();
        if let Some(committed) = below.filter(|committed| position < *committed) {
            return Err(ControlRefusal::BelowCommitted(name(), committed));
        }
        let end = held.tracker.number_at_or_after(position);
        let runs = held.units.iter().find(|(_, unit)| {
            unit.first < end
                && unit.state == UnitState::Running
                && (unit.first..unit.first + u64::from(unit.count))
                    .any(|number| number < end && !held.tracker.is_finished(number))
        });
        match runs {
            Some((_, unit)) => {
                Err(ControlRefusal::Running(name(), held.tracker.offset_of(unit.first)))
            }
            None => Ok(()),
        }
    }

    /// Passes over every record below `position` that did not end.
    fn skip_below(&mut self, index: PartitionIndex, position: Position) {
        let Some(held) = self.held(index) else { return };
        let (term, from) = (held.term, held.tracker.frontier());
        if position <= from {
            return;
        }
        let end = held.tracker.number_at_or_after(position);
        self.leave_all_lanes(index);
        let Self { partitions, outputs, .. } = self;
        let Some(held) = partitions[index as usize].assignment.as_mut() else {
            return;
        };
        let (mut records, mut bytes, mut ahead) = (0, 0, 0);
        for (_, unit) in held.units.iter_mut().filter(|(_, unit)| unit.first < end) {
            if matches!(unit.state, UnitState::Ended | UnitState::Running) {
                continue;
            }
            let behind = unit.first + u64::from(unit.count);
            if end < behind {
                // The rest of a batch is still delivered, without what was skipped.
                let tracker = &held.tracker;
                let fresh = (unit.first..end).filter(|&number| !tracker.is_finished(number));
                let fresh = fresh.count() as u32;
                records += u64::from(fresh);
                ahead += u64::from(fresh) * u64::from(unit.first < held.covering);
                unit.left -= fresh;
                if unit.state != UnitState::Failed {
                    unit.count = (behind - end) as u32;
                    unit.first = end;
                }
                continue;
            }
            if unit.state != UnitState::Failed {
                outputs.push_back(Output::Discard(unit.token));
            }
            unit.state = UnitState::Ended;
            records += u64::from(unit.left);
            bytes += unit.bytes;
            ahead += u64::from(unit.left) * u64::from(unit.first < held.covering);
        }
        held.buffered_records -= records;
        held.buffered_bytes -= bytes;
        if self.config.guarantee == Guarantee::AtMostOnce {
            held.ahead -= ahead;
            if held.covering < end {
                held.covering = end;
                held.covering_position = position;
            }
        }
        let first = held.tracker.head();
        let fresh = held.tracker.finish_numbers(first, end);
        held.units.prune();
        self.counters.skipped += fresh;
        let reason = SkipReason::CommitAt;
        self.outputs.push_back(Output::Skipped { term, from, to: position, reason });
        self.rejoin_lanes(index);
    }

    /// Takes every unit that did not start out of its lane, so that the lanes can be formed anew.
    fn leave_all_lanes(&mut self, index: PartitionIndex) {
        let Self { partitions, lanes, .. } = self;
        let Some(held) = partitions[index as usize].assignment.as_mut() else {
            return;
        };
        for (_, unit) in held.units.iter_mut() {
            let Some(lane) = unit.lane else { continue };
            match unit.state {
                UnitState::Waiting => lanes.forget_waiting((index, lane), 0),
                UnitState::Ready | UnitState::Failed => lanes.free((index, lane)),
                _ => {}
            }
        }
        held.ready.clear();
    }

    fn rejoin_lanes(&mut self, index: PartitionIndex) {
        let Self { partitions, lanes, .. } = self;
        let Some(held) = partitions[index as usize].assignment.as_mut() else {
            return;
        };
        held.unstarted = 0;
        let mut again = Vec::new();
        for (number, unit) in held.units.iter_mut() {
            unit.next = 0;
            match (unit.state, unit.lane) {
                (UnitState::Waiting | UnitState::Ready, _) => {
                    unit.state = UnitState::Buffered;
                    again.push(number);
                }
                (UnitState::Failed, Some(lane)) => {
                    lanes.join((index, lane), number);
                }
                _ => {}
            }
        }
        for number in again {
            self.admit(index, number);
        }
    }

    fn seek_to(
        &mut self,
        now: Mono,
        id: ControlId,
        partition: TopicPartition,
        to: SeekTo,
    ) -> Result<(), ControlRefusal> {
        let index = self.readable([partition])?[0];
        if self.held(index).is_some_and(|held| held.stage == Stage::Draining) {
            // A term that begins now would not know that its partition is on its way out.
            let name = self.partitions[index as usize].name.clone();
            return Err(ControlRefusal::NotAssigned(name));
        }
        self.expect_parts(id, 1, Answer::Accepted);
        let rewind = Rewind {
            old: Term::new(0),
            from: None,
            to,
            reason: SeekReason::Requested,
            control: Some(id),
        };
        self.rewind(now, index, rewind);
        Ok(())
    }

    fn set_user_pause(
        &mut self,
        now: Mono,
        id: ControlId,
        partitions: &[TopicPartition],
        pause: bool,
    ) -> Result<(), ControlRefusal> {
        let one = |name: &TopicPartition| {
            let index = self.index.get(name).copied();
            let held = index.filter(|&index| self.held(index).is_some());
            held.ok_or_else(|| ControlRefusal::NotAssigned(name.clone()))
        };
        let indexes: Vec<_> = partitions.iter().map(one).collect::<Result<_, _>>()?;
        for index in indexes {
            if pause {
                if let Some(held) = self.held_mut(index) {
                    held.pauses.add(PauseReason::User);
                }
            } else {
                self.resume(index);
            }
            self.settle(now, index);
        }
        self.outputs.push_back(Output::Answer { id, answer: Answer::Accepted });
        Ok(())
    }

    fn resume(&mut self, index: PartitionIndex) {
        let Some(held) = self.held_mut(index) else {
            return;
        };
        if held.pauses.remove(PauseReason::User) && std::mem::take(&mut held.pause_told) {
            let (term, flowing) = (held.term, held.pauses.is_empty());
            let reason = PauseReason::User;
            self.outputs.push_back(Output::Resume { term, reason, flowing });
        }
        self.wake(index);
    }

    fn expect_parts(&mut self, id: ControlId, parts: usize, best: Answer) {
        self.controls.insert(id, Pending { parts, worst: best });
    }

    /// One part of a request is answered; the last part answers the request.
    pub(super) fn answer_part(&mut self, id: ControlId, answer: Answer) {
        let Some(pending) = self.controls.get_mut(&id) else {
            return;
        };
        if severity(&answer) > severity(&pending.worst) {
            pending.worst = answer;
        }
        pending.parts -= 1;
        if pending.parts == 0
            && let Some(Pending { worst: answer, .. }) = self.controls.remove(&id)
        {
            self.outputs.push_back(Output::Answer { id, answer });
        }
    }

    /// The engine ends: who still waits is told that his term did.
    pub(super) fn answer_all_ended(&mut self) {
        for id in std::mem::take(&mut self.controls).into_keys() {
            self.outputs.push_back(Output::Answer { id, answer: Answer::TermEnded });
        }
    }

    pub(super) fn answer_stopping(&mut self, id: ControlId) {
        let answer = Answer::Refused(ControlRefusal::Stopping);
        self.outputs.push_back(Output::Answer { id, answer });
    }
}

/// Which of two answers to parts of one request tells more.
fn severity(answer: &Answer) -> u8 {
    match answer {
        Answer::Accepted | Answer::Committed => 0,
        Answer::Unknown => 1,
        Answer::TermEnded => 2,
        Answer::Refused(_) => 3,
    }
}
