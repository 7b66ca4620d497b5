//! Giving partitions back: drain, commit, release, in this order and in bounded time.
//!
//! The client waits with its answer to the group until the engine lets go, so that the next owner
//! starts where this one stopped. Handlers get most of the deadline; the rest is kept for the last
//! commit. A commit that is still unsettled at the deadline makes it unsafe to go on with this
//! client at all: it may hold the commit back and send it under a generation that it gets later.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::assignment::Stage;
use crate::engine::Engine;
use crate::engine::running::Drop;
use crate::lane::PartitionIndex;
use crate::{
    Answer, DeliveryUnit, Guarantee, Mono, Output, PauseReason, ProcessingOrder, Released,
    TopicPartition,
};

/// One revocation or loss that the client has not answered yet.
#[derive(Debug)]
pub(super) struct Giving {
    members: BTreeSet<PartitionIndex>,
    released: Vec<Released>,
    /// At-most-once: what the released terms had committed ahead. A crash before the answer loses
    /// it together with what other partitions have committed ahead.
    pub(super) ahead: u64,
    /// When handlers have had their time.
    pub(super) cutoff: Mono,
    /// When everything has.
    pub(super) deadline: Mono,
}

/// How much of a drain deadline is kept for the last commit: a quarter, and two seconds at most.
pub(super) fn commit_reserve(deadline: Duration) -> Duration {
    (deadline / 4).min(Duration::from_secs(2))
}

impl Engine {
    pub(super) fn on_revoked(&mut self, now: Mono, partitions: &[TopicPartition]) {
        let members = self.members(partitions);
        self.counters.revoked += members.len() as u64;
        for &index in &members {
            self.begin_drain(now, index);
            self.settle(now, index);
        }
        let drain = self.config.drain_deadline;
        self.givings.push(Giving {
            members,
            released: Vec::new(),
            ahead: 0,
            cutoff: now.after(drain.saturating_sub(commit_reserve(drain))),
            deadline: now.after(drain),
        });
    }

    pub(super) fn on_lost(&mut self, now: Mono, partitions: &[TopicPartition]) {
        let mut members = self.members(partitions);
        self.counters.lost += members.len() as u64;
        for &index in &members {
            self.lose(now, index);
        }
        // What is being given back already is answered by that one release.
        members.retain(|index| !self.givings.iter().any(|giving| giving.members.contains(index)));
        let bound = self.config.drain_deadline.min(self.config.commit_timeout);
        let deadline = now.after(bound);
        let released = Vec::new();
        self.givings.push(Giving { members, released, ahead: 0, cutoff: deadline, deadline });
    }

    fn members(&self, partitions: &[TopicPartition]) -> BTreeSet<PartitionIndex> {
        let held = partitions.iter().filter_map(|name| self.index.get(name).copied());
        held.filter(|&index| self.held(index).is_some()).collect()
    }

    /// Reads nothing more of a partition, starts only what its frontier needs to catch up with what
    /// started before, and lets that end.
    pub(super) fn begin_drain(&mut self, now: Mono, index: PartitionIndex) {
        let Some(held) = self.held_mut(index) else {
            return;
        };
        match held.stage {
            Stage::FindingStart(_) | Stage::Seeking(_) => self.lose(now, index),
            Stage::Active | Stage::Failed => {
                held.stage = Stage::Draining;
                held.pauses.add(PauseReason::Drain);
                let (term, running) = (held.term, held.running);
                let reason = PauseReason::Drain;
                self.outputs.push_back(Output::Pause { term, reason });
                self.drop_units(index, Drop::BeyondDrain);
                // A batch can end early, between two of its records, and lose nothing by it; beside
                // another batch it would hold the frontier below what that one did.
                let alone = self.config.processing_order != ProcessingOrder::Unordered;
                if running > 0 && alone && self.config.delivery_unit == DeliveryUnit::Batch {
                    self.outputs.push_back(Output::Cancel { term });
                }
            }
            Stage::Draining | Stage::Cut | Stage::Lost => {}
        }
    }

    /// Ends the work of a partition that is gone. Its commit in flight may still be answered.
    pub(super) fn lose(&mut self, now: Mono, index: PartitionIndex) {
        self.cut(now, index, Stage::Lost);
    }

    /// Stops to listen to a partition's handlers.
    pub(super) fn cut(&mut self, _now: Mono, index: PartitionIndex, stage: Stage) {
        let control = match self.held(index).map(|held| &held.stage) {
            Some(Stage::FindingStart(find)) => find.rewind.as_ref().and_then(|it| it.control),
            Some(Stage::Seeking(seeking)) => seeking.rewind.control,
            Some(Stage::Cut | Stage::Lost) | None => {
                if let Some(held) = self.held_mut(index) {
                    held.stage = stage;
                }
                return;
            }
            Some(_) => None,
        };
        if let Some(control) = control {
            self.answer_part(control, Answer::TermEnded);
        }
        let started = self.held(index).is_some_and(|held| held.has_start());
        let orphaned = self.orphan_running(index);
        let lost = self.drop_units(index, Drop::All);
        let Some(held) = self.held_mut(index) else {
            return;
        };
        // Without a start there is no frontier, so there is nothing to commit.
        held.stage = if started { stage } else { Stage::Lost };
        held.cut += orphaned + lost;
        // What runs on counts as an orphan; the rest stays lost in a crash until the term is
        // closed.
        held.ahead = held.ahead.saturating_sub(orphaned);
        let term = held.term;
        if orphaned > 0 {
            self.outputs.push_back(Output::Cancel { term });
        }
    }

    /// Forgets a term.
    pub(super) fn close_term(&mut self, index: PartitionIndex) {
        self.answer_waiters(index, &Answer::TermEnded);
        let partition = &mut self.partitions[index as usize];
        partition.commit.asked = None;
        if partition.assignment.is_some() {
            // A unit that gave up keeps its lane as long as its term; the next one needs it.
            self.drop_units(index, Drop::All);
        }
        if let Some(held) = self.partitions[index as usize].assignment.take() {
            self.terms.remove(&held.term);
            self.assigned -= 1;
        }
    }

    /// Whether nothing of a draining partition runs and its last commit is settled.
    pub(super) fn is_drained(&self, index: PartitionIndex) -> bool {
        let partition = &self.partitions[index as usize];
        let Some(held) = &partition.assignment else {
            return true;
        };
        if partition.commit.in_flight.is_some() {
            return false;
        }
        let idle = match held.stage {
            Stage::Draining => held.running == 0 && held.unstarted == 0,
            Stage::Cut | Stage::Lost => true,
            _ => self.stopping.is_some() && !held.has_start(),
        };
        let gone = held.stage == Stage::Lost || held.fenced_at.is_some();
        idle && (gone || !self.owes_commit(index))
    }

    /// Whether a commit is missing that a clean release needs.
    pub(super) fn owes_commit(&self, index: PartitionIndex) -> bool {
        let at_least_once = self.config.guarantee == Guarantee::AtLeastOnce;
        let cut = self.held(index).is_some_and(|held| held.stage == Stage::Cut);
        // What was committed ahead and not acknowledged when the drain ended never starts.
        self.is_dirty(index) && (at_least_once || !cut)
    }

    /// Releases what is drained, and everything whose time is over.
    pub(super) fn finish_givings(&mut self, now: Mono) {
        let mut givings = std::mem::take(&mut self.givings);
        let mut closed = false;
        for giving in &mut givings {
            let late = giving.deadline <= now;
            for index in giving.members.clone() {
                if giving.cutoff <= now {
                    self.cut_if_draining(now, index);
                }
                let unsettled = self.partitions[index as usize].commit.in_flight.is_some();
                if !self.is_drained(index) && !late {
                    continue;
                }
                if unsettled {
                    self.renew(now);
                    return;
                }
                giving.members.remove(&index);
                let partition = &self.partitions[index as usize];
                if let Some(held) = &partition.assignment {
                    giving.released.push(Released {
                        term: held.term,
                        partition: partition.name.clone(),
                        unfinished: held.cut,
                    });
                    giving.ahead += held.ahead;
                }
                self.close_term(index);
                closed = true;
            }
        }
        for giving in givings.extract_if(.., |giving| giving.members.is_empty()) {
            self.outputs.push_back(Output::Release(giving.released));
        }
        self.givings = givings;
        if closed {
            self.update_all_flows(now);
            if self.config.guarantee == Guarantee::AtMostOnce {
                // What the terms had committed ahead makes room in the window.
                self.commit_ahead(now);
            }
        }
    }

    fn cut_if_draining(&mut self, now: Mono, index: PartitionIndex) {
        if self.held(index).is_some_and(|held| held.stage == Stage::Draining) {
            self.cut(now, index, Stage::Cut);
            self.settle(now, index);
        }
    }

    /// Cuts every partition that drains because the consumer stops.
    pub(super) fn cut_all_draining(&mut self, now: Mono) {
        for index in self.indexes() {
            self.cut_if_draining(now, index);
        }
    }

    /// Whether handlers of a giving still have time to lose.
    pub(super) fn has_draining(&self, giving: &Giving) -> bool {
        let draining = |index: &PartitionIndex| {
            self.held(*index).is_some_and(|held| held.stage == Stage::Draining)
        };
        giving.members.iter().any(draining)
    }

    /// Gives up this client: every term is over, and commits that it holds must never be sent.
    pub(super) fn renew(&mut self, now: Mono) {
        if self.stopping.is_some() {
            self.finish_stop(now, true);
            return;
        }
        self.givings.clear();
        for index in self.indexes() {
            self.lose(now, index);
            self.partitions[index as usize].commit.in_flight = None;
            self.close_term(index);
        }
        self.effects.clear();
        self.outputs.push_back(Output::Renew);
    }
}
