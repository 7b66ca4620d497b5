//! What is committed, and when.
//!
//! At-least-once commits the frontier when the policy says so. At-most-once commits ahead of the
//! start, as far as the window allows, and starts what was covered when the commit is acknowledged
//! in the same term. An outcome that is unknown is settled by sending the same commit again: a read
//! of the committed offset is not fenced, so it would show a successor's commit as our own.

use crate::assignment::{Assignment, Stage, UnitState};
use crate::commit::{CommitSlot, InFlight, backoff};
use crate::engine::Engine;
use crate::engine::running::Drop;
use crate::lane::PartitionIndex;
use crate::{
    Answer, CommitPolicy, CommitPosition, ControlRefusal, Effect, EffectId, Guarantee, Mono,
    Outcome, Output, PauseReason, Position, Refusal, StopReason, Term,
};

/// A position to commit and the number behind the last record that it covers.
#[derive(Clone, Copy)]
struct Target {
    position: Position,
    number: u64,
}

impl Engine {
    /// Notes since when a partition has something to commit.
    pub(super) fn note_dirty(&mut self, now: Mono, index: PartitionIndex) {
        let dirty = self.is_dirty(index);
        let Some(held) = self.held_mut(index) else {
            return;
        };
        held.dirty_since = if dirty { Some(held.dirty_since.unwrap_or(now)) } else { None };
    }

    /// Whether something ended (or a policy chose a start) that the group does not store.
    pub(super) fn is_dirty(&self, index: PartitionIndex) -> bool {
        let partition = &self.partitions[index as usize];
        let Some(held) = partition.assignment.as_ref().filter(|held| held.has_start()) else {
            return false;
        };
        match (self.config.guarantee, self.config.commit) {
            (Guarantee::AtMostOnce, _) => {
                held.covering > held.covered
                    || (held.covering == held.tracker.end()
                        && (held.at_end || held.committed.is_none())
                        && held.committed != Some(held.tracker.position()))
            }
            (_, CommitPolicy::Manual) => partition.commit.asked.is_some(),
            (_, CommitPolicy::Auto { .. }) => held.committed != Some(held.tracker.frontier()),
        }
    }

    fn target(&self, index: PartitionIndex) -> Option<Target> {
        let partition = &self.partitions[index as usize];
        let held = partition.assignment.as_ref()?;
        let frontier = Target { position: held.tracker.frontier(), number: held.tracker.head() };
        Some(match (self.config.guarantee, partition.commit.asked) {
            (Guarantee::AtMostOnce, _) if held.covering > held.covered => {
                Target { position: held.covering_position, number: held.covering }
            }
            (Guarantee::AtMostOnce, _) => {
                Target { position: held.tracker.position(), number: held.covering }
            }
            (Guarantee::AtLeastOnce, Some(position)) => {
                Target { position, number: held.tracker.number_at_or_after(position) }
            }
            (Guarantee::AtLeastOnce, None) => frontier,
        })
    }

    /// When the next commit of a partition may be sent: `None` for not until something happens.
    pub(super) fn commit_at(&self, index: PartitionIndex) -> Option<Mono> {
        let partition = &self.partitions[index as usize];
        let held = partition.assignment.as_ref()?;
        let slot = &partition.commit;
        let may_commit =
            matches!(held.stage, Stage::Active | Stage::Failed | Stage::Draining | Stage::Cut);
        if !may_commit || held.fenced_at.is_some() || slot.in_flight.is_some() {
            return None;
        }
        let since = held.dirty_since?;
        let due = self.due_at(held, slot, since)?;
        Some(due.max(slot.retry_at.unwrap_or(due)))
    }

    fn due_at(&self, held: &Assignment, slot: &CommitSlot, since: Mono) -> Option<Mono> {
        let (every_records, every) = match self.config.commit {
            _ if self.config.guarantee == Guarantee::AtMostOnce => return Some(since),
            CommitPolicy::Manual => return Some(since),
            CommitPolicy::Auto { every_records, every } => (every_records, every),
        };
        let ended = held.tracker.head() - held.committed_number;
        let half_of_budget = self.config.budget.max_uncommitted_records.get() as u64 / 2;
        let at_once = slot.wanted
            // A restart would not find this start again, and pass over what arrives until then.
            || held.committed.is_none()
            || matches!(held.stage, Stage::Draining | Stage::Cut)
            || every_records.is_some_and(|records| ended >= u64::from(records.get()))
            // Nothing more comes that could complete the number.
            || (held.at_end && every.is_none())
            || held.pauses.has(PauseReason::Uncommitted)
            || ended >= half_of_budget.max(1);
        if at_once { Some(since) } else { every.map(|every| since.after(every)) }
    }

    /// Sends a partition's commit if its time has come.
    pub(super) fn commit_if_due(&mut self, now: Mono, index: PartitionIndex) {
        if self.commit_at(index).is_some_and(|at| at <= now) {
            self.send_commit(now, &[index]);
        }
    }

    /// Sends every commit whose time has come, in one request, and with them those that would
    /// follow by the interval: one request costs the coordinator what another partition does not.
    pub(super) fn commit_all_due(&mut self, now: Mono) {
        let times: Vec<_> = self
            .indexes()
            .into_iter()
            .filter_map(|index| Some((index, self.commit_at(index)?)))
            .collect();
        if times.iter().any(|(_, at)| *at <= now) {
            let by_interval =
                matches!(self.config.commit, CommitPolicy::Auto { every: Some(_), .. });
            let ready =
                |index: &PartitionIndex| self.partitions[*index as usize].commit.is_free(now);
            let due: Vec<_> = times
                .into_iter()
                .filter(|(index, at)| *at <= now || (by_interval && ready(index)))
                .map(|(index, _)| index)
                .collect();
            self.send_commit(now, &due);
        }
    }

    fn send_commit(&mut self, now: Mono, indexes: &[PartitionIndex]) {
        let mut positions = Vec::with_capacity(indexes.len());
        let mut concerns = Vec::with_capacity(indexes.len());
        let effect = EffectId(self.last_effect + 1);
        for &index in indexes {
            let Some(target) = self.target(index) else {
                continue;
            };
            let partition = &mut self.partitions[index as usize];
            let Some(held) = &mut partition.assignment else {
                continue;
            };
            assert!(partition.commit.in_flight.is_none(), "two commits of one partition at once");
            if self.config.guarantee == Guarantee::AtLeastOnce {
                assert!(target.position <= held.tracker.frontier(), "commit past unfinished work");
            }
            partition.commit.in_flight = Some(InFlight {
                effect,
                term: held.term,
                position: target.position,
                number: target.number,
                sent_at: now,
                overdue: false,
            });
            partition.commit.retry_at = None;
            self.counters.commits_sent += 1;
            concerns.push((held.term, index));
            positions.push(CommitPosition {
                term: held.term,
                partition: partition.name.clone(),
                position: target.position,
                leader_epoch: held.epoch_below(target.number),
            });
        }
        if !positions.is_empty() {
            let id = self.new_effect(concerns);
            self.outputs.push_back(Output::Effect { id, effect: Effect::Commit(positions) });
        }
    }

    /// At-most-once: covers what can start now, within the window, one partition after another.
    pub(super) fn commit_ahead(&mut self, now: Mono) {
        let partitions = self.partitions.len();
        for step in 0..partitions {
            let index = ((self.turn + step) % partitions) as PartitionIndex;
            let used = self.window_used();
            let Some(free) = self.config.window().checked_sub(used).filter(|free| *free > 0) else {
                return;
            };
            if self.cover(now, index, free) {
                self.turn = index as usize + 1;
            }
        }
    }

    /// Records that are committed ahead and did not end, of this and of earlier terms.
    fn window_used(&self) -> u64 {
        let ahead = self.partitions.iter().filter_map(|partition| partition.assignment.as_ref());
        let orphaned = self.orphans.values().map(|orphan| orphan.unfinished.len() as u64);
        let released = self.givings.iter().map(|giving| giving.ahead);
        ahead.map(|held| held.ahead).chain(orphaned).chain(released).sum()
    }

    fn cover(&mut self, now: Mono, index: PartitionIndex, free: u64) -> bool {
        let partition = &mut self.partitions[index as usize];
        let is_free = partition.commit.is_free(now);
        let Some(held) = &mut partition.assignment else {
            return false;
        };
        let flows = held.stage == Stage::Active
            && !held.pauses.has(PauseReason::User)
            && held.fenced_at.is_none()
            && self.stopping.is_none();
        if !flows || !is_free || held.covering > held.covered {
            return false;
        }
        let (mut end, mut ahead) = (held.covering, 0);
        let mut unit = held.units.of_record(end).or_else(|| held.units.first());
        while let Some(next) = unit.and_then(|number| held.units.get(number)) {
            if next.first >= held.covering && next.state != UnitState::Ended {
                if ahead + u64::from(next.left) > free {
                    break;
                }
                ahead += u64::from(next.left);
            }
            end = end.max(next.first + u64::from(next.count));
            unit = unit.map(|number| number + 1);
        }
        if ahead == 0 {
            return false;
        }
        held.ahead += ahead;
        held.covering_ahead = ahead;
        held.covering = end;
        held.covering_position = match end == held.tracker.end() {
            true => held.tracker.position(),
            false => held.tracker.offset_of(end - 1).next(),
        };
        self.note_dirty(now, index);
        self.send_commit(now, &[index]);
        true
    }

    pub(super) fn on_effect_ended(
        &mut self,
        now: Mono,
        effect: EffectId,
        outcomes: Vec<(Term, Outcome<()>)>,
    ) {
        for (term, outcome) in outcomes {
            let Some(concerns) = self.effects.get_mut(&effect) else {
                self.counters.stale_inputs += 1;
                continue;
            };
            let Some(at) = concerns.iter().position(|(of, _)| *of == term) else {
                self.counters.stale_inputs += 1;
                continue;
            };
            let (_, index) = concerns.remove(at);
            if concerns.is_empty() {
                self.effects.remove(&effect);
            }
            let in_flight = self.partitions[index as usize].commit.in_flight;
            match in_flight.filter(|commit| commit.effect == effect) {
                Some(commit) => self.on_commit_ended(now, index, commit, outcome),
                None => self.on_other_ended(now, index, effect, &outcome),
            }
        }
    }

    fn on_other_ended(
        &mut self,
        now: Mono,
        index: PartitionIndex,
        effect: EffectId,
        outcome: &Outcome<()>,
    ) {
        let seeking = self.held(index).is_some_and(
            |held| matches!(&held.stage, Stage::Seeking(seeking) if seeking.effect == Some(effect)),
        );
        if seeking {
            self.on_seek_ended(now, index, *outcome == Outcome::Done(()));
        } else {
            self.counters.stale_inputs += 1;
        }
    }

    fn on_commit_ended(
        &mut self,
        now: Mono,
        index: PartitionIndex,
        commit: InFlight,
        outcome: Outcome<()>,
    ) {
        self.partitions[index as usize].commit.in_flight = None;
        match outcome {
            Outcome::Done(()) => self.on_committed(now, index, commit),
            Outcome::Refused(refusal) => self.on_commit_refused(now, index, commit, refusal),
            Outcome::Unknown => {
                self.counters.commits_unknown += 1;
                self.back_off_commit(now, index);
                if let Some(held) = self.held_mut(index).filter(|held| held.term == commit.term) {
                    held.covering_unknown = true;
                }
            }
        }
        self.settle(now, index);
    }

    fn on_committed(&mut self, now: Mono, index: PartitionIndex, commit: InFlight) {
        self.counters.commits_done += 1;
        let partition = &mut self.partitions[index as usize];
        let slot = &mut partition.commit;
        (slot.failures, slot.retry_at, slot.unauthorized_since) = (0, None, None);
        partition.known_committed = Some(commit.position);
        if slot.asked.is_some_and(|asked| asked <= commit.position) {
            slot.asked = None;
        }
        let Some(held) = partition.assignment.as_mut().filter(|held| held.term == commit.term)
        else {
            return;
        };
        held.committed = Some(commit.position);
        held.committed_number = commit.number.max(held.committed_number);
        held.dirty_since = None;
        let (covered, at_most_once) =
            (held.covered, self.config.guarantee == Guarantee::AtMostOnce);
        if at_most_once {
            held.covered = held.covered.max(commit.number);
            held.covering_ahead = 0;
            held.covering_unknown = false;
        }
        let slot = &mut partition.commit;
        let reached = |waiter: &mut crate::commit::Waiter| waiter.position <= commit.position;
        let answered: Vec<_> = slot.waiters.extract_if(.., reached).collect();
        slot.wanted = !slot.waiters.is_empty();
        for waiter in answered {
            self.answer_part(waiter.control, Answer::Committed);
        }
        if at_most_once {
            self.admit_covered(index, covered, commit.number);
        }
        self.note_dirty(now, index);
    }

    /// At-most-once: lets the units of these records join their lanes.
    fn admit_covered(&mut self, index: PartitionIndex, from: u64, end: u64) {
        let Some(held) = self.held(index) else { return };
        if !matches!(held.stage, Stage::Active | Stage::Failed | Stage::Draining) {
            return;
        }
        let Some(mut number) = held.units.of_record(from).or_else(|| held.units.first()) else {
            return;
        };
        while let Some(&unit) = self.held(index).and_then(|held| held.units.get(number)) {
            if unit.first >= end {
                return;
            }
            if unit.state == UnitState::Buffered && unit.first >= from {
                self.admit(index, number);
            }
            number += 1;
        }
    }

    fn on_commit_refused(
        &mut self,
        now: Mono,
        index: PartitionIndex,
        commit: InFlight,
        refusal: Refusal,
    ) {
        self.counters.commits_refused += 1;
        // At-most-once goes on counting what the commit covered as ahead, and sends it again: the
        // client may have sent it before by itself, and stored it with that.
        self.back_off_commit(now, index);
        let grace = self.config.commit_timeout;
        let partition = &mut self.partitions[index as usize];
        let name = partition.name.clone();
        let slot = &mut partition.commit;
        let fatal = match refusal {
            Refusal::Fenced => {
                if let Some(held) =
                    partition.assignment.as_mut().filter(|held| held.term == commit.term)
                {
                    held.fenced_at = Some(now);
                    if held.stage == Stage::Draining {
                        self.drop_units(index, Drop::BeyondDrain);
                    }
                }
                self.answer_waiters(index, &Answer::TermEnded);
                false
            }
            Refusal::Unauthorized => {
                now.since(*slot.unauthorized_since.get_or_insert(now)) >= grace
            }
            Refusal::InstanceFenced => true,
            Refusal::Invalid => {
                let answer = Answer::Refused(ControlRefusal::Broker(name.clone(), refusal));
                self.answer_waiters(index, &answer);
                false
            }
            Refusal::Rebalancing | Refusal::Unavailable => false,
        };
        if fatal {
            self.begin_stop(now, StopReason::Refused { partition: name, refusal }, None);
        }
    }

    fn back_off_commit(&mut self, now: Mono, index: PartitionIndex) {
        let slot = &mut self.partitions[index as usize].commit;
        slot.failures += 1;
        slot.retry_at = Some(now.after(backoff(slot.failures)));
    }

    pub(super) fn answer_waiters(&mut self, index: PartitionIndex, answer: &Answer) {
        let slot = &mut self.partitions[index as usize].commit;
        slot.wanted = false;
        for waiter in std::mem::take(&mut slot.waiters) {
            self.answer_part(waiter.control, answer.clone());
        }
    }
}
