//! When to come back, and what is due then.
//!
//! Every deadline is derived from the state, so none can be forgotten when the state that it
//! belonged to goes.

use crate::assignment::Stage;
use crate::engine::Engine;
use crate::lane::PartitionIndex;
use crate::{Answer, Mono, PauseReason};

impl Engine {
    /// When [`Engine::handle_timeout`] has something to do, if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Mono> {
        if self.stopped {
            return None;
        }
        let partitions = self.indexes().into_iter().filter_map(|index| self.next_in(index));
        let settled =
            (0..self.partitions.len() as PartitionIndex).filter_map(|index| self.overdue_at(index));
        let givings = self.givings.iter().map(|giving| match self.has_draining(giving) {
            true => giving.cutoff,
            false => giving.deadline,
        });
        let runs = self.awaits_orphans() || self.any_draining();
        let stop = self.stopping.iter().map(|stopping| match runs {
            true => stopping.cutoff,
            false => stopping.deadline,
        });
        partitions.chain(settled).chain(givings).chain(stop).min()
    }

    fn any_draining(&self) -> bool {
        let draining = |index| self.held(index).is_some_and(|held| held.stage == Stage::Draining);
        self.indexes().into_iter().any(draining)
    }

    fn next_in(&self, index: PartitionIndex) -> Option<Mono> {
        let partition = &self.partitions[index as usize];
        let held = partition.assignment.as_ref()?;
        let stage = match &held.stage {
            Stage::FindingStart(find) => find.retry_at,
            Stage::Seeking(seeking) => seeking.retry_at,
            _ => None,
        };
        let fenced = held.fenced_at.filter(|_| held.stage != Stage::Lost);
        let fenced = fenced.map(|at| at.after(self.config.drain_deadline));
        let waiting = partition.commit.waiters.iter().map(|waiter| waiter.since).min();
        let waiting = waiting.map(|since| since.after(self.config.commit_timeout));
        let aged = held.dirty_since.filter(|_| {
            self.pauses_when_uncommitted()
                && partition.commit.failures > 0
                && held.stage == Stage::Active
                && !held.pauses.has(PauseReason::Uncommitted)
        });
        let aged = aged.map(|since| since.after(self.config.budget.max_uncommitted_age));
        let retry = partition.commit.retry_at.filter(|_| self.covers_later(index));
        [stage, fenced, waiting, aged, retry, self.commit_at(index)].into_iter().flatten().min()
    }

    /// Whether a partition has records that wait for a commit ahead, which a failed commit delays.
    fn covers_later(&self, index: PartitionIndex) -> bool {
        self.held(index).is_some_and(|held| {
            held.stage == Stage::Active
                && held.fenced_at.is_none()
                && held.covering < held.tracker.end()
                && self.config.guarantee == crate::Guarantee::AtMostOnce
                && self.partitions[index as usize].commit.in_flight.is_none()
        })
    }

    fn overdue_at(&self, index: PartitionIndex) -> Option<Mono> {
        let commit = self.partitions[index as usize].commit.in_flight.as_ref()?;
        (!commit.overdue).then(|| commit.sent_at.after(self.config.commit_timeout))
    }

    pub(super) fn on_timeout(&mut self, now: Mono) {
        for index in 0..self.partitions.len() as PartitionIndex {
            if self.overdue_at(index).is_some_and(|at| at <= now)
                && let Some(commit) = &mut self.partitions[index as usize].commit.in_flight
            {
                commit.overdue = true;
                self.counters.commits_unknown += 1;
            }
            self.tell_waiters_unknown(now, index);
            let slot = &mut self.partitions[index as usize].commit;
            slot.retry_at = slot.retry_at.filter(|at| *at > now);
        }
        for index in self.indexes() {
            let retry_at = match self.held(index).map(|held| &held.stage) {
                Some(Stage::FindingStart(find)) => find.retry_at.map(|at| (at, false)),
                Some(Stage::Seeking(seeking)) => seeking.retry_at.map(|at| (at, true)),
                _ => None,
            };
            match retry_at {
                Some((at, true)) if at <= now => self.send_seek(index),
                Some((at, false)) if at <= now => self.find_start(index),
                _ => {}
            }
            self.give_up_fenced(now, index);
        }
        self.commit_all_due(now);
        for index in self.indexes() {
            self.settle(now, index);
        }
    }

    fn tell_waiters_unknown(&mut self, now: Mono, index: PartitionIndex) {
        let timeout = self.config.commit_timeout;
        let slot = &mut self.partitions[index as usize].commit;
        let late: Vec<_> =
            slot.waiters.extract_if(.., |waiter| waiter.since.after(timeout) <= now).collect();
        for waiter in late {
            self.answer_part(waiter.control, Answer::Unknown);
        }
    }

    /// A fenced term ends when the client says that its partitions are lost. A client that does
    /// not say so is not to be trusted with the group any more.
    fn give_up_fenced(&mut self, now: Mono, index: PartitionIndex) {
        let bound = self.config.drain_deadline;
        let fenced = self.held(index).filter(|held| held.stage != Stage::Lost);
        let since = fenced.and_then(|held| held.fenced_at);
        if since.is_some_and(|since| since.after(bound) <= now) {
            self.renew(now);
        }
    }
}
