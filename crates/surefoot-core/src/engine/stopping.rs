//! Coming to rest: on request, at once, or because something failed.
//!
//! A stop drains every partition like a revocation, and reports what it could not finish and
//! commit in time. Nothing that is not finished is ever committed to make a stop look clean.

use std::time::Duration;

use crate::engine::Engine;
use crate::engine::giving::commit_reserve;
use crate::lane::PartitionIndex;
use crate::{Mono, StopReason, Stopped, Unfinished};

/// A stop under way.
#[derive(Debug)]
pub(super) struct Stopping {
    reason: StopReason,
    /// When handlers have had their time.
    pub(super) cutoff: Mono,
    /// When everything has.
    pub(super) deadline: Mono,
}

impl Engine {
    pub(super) fn on_stop(&mut self, now: Mono, deadline: Option<Duration>) {
        self.begin_stop(now, StopReason::Requested, deadline);
    }

    pub(super) fn begin_stop(&mut self, now: Mono, reason: StopReason, deadline: Option<Duration>) {
        let drain = deadline.unwrap_or(self.config.drain_deadline);
        let until = now.after(drain);
        if let Some(stopping) = &mut self.stopping {
            // The first reason is the cause; a second request may only shorten the time.
            if until < stopping.deadline {
                stopping.deadline = until;
                stopping.cutoff = stopping.cutoff.min(until);
            }
            return;
        }
        let cutoff = now.after(drain.saturating_sub(commit_reserve(drain)));
        let refused = matches!(reason, StopReason::Refused { .. });
        self.stopping = Some(Stopping { reason, cutoff, deadline: until });
        for index in self.indexes() {
            if refused && let Some(held) = self.held_mut(index) {
                // The group does not listen to this member: no commit is worth waiting for.
                held.fenced_at = Some(now);
            }
            self.begin_drain(now, index);
            self.settle(now, index);
        }
    }

    /// Reports the end when everything is drained, or the deadline is over, or at once when there
    /// is no use in waiting.
    pub(super) fn finish_stop(&mut self, now: Mono, at_once: bool) {
        let Some(stopping) = &self.stopping else {
            return;
        };
        if stopping.cutoff <= now {
            self.cut_all_draining(now);
        }
        let Some(stopping) = &self.stopping else {
            return;
        };
        let drained = self.indexes().into_iter().all(|index| self.is_drained(index));
        if !drained && now < stopping.deadline && !at_once {
            return;
        }
        let stopped = Stopped { reason: stopping.reason.clone(), unfinished: self.unfinished() };
        self.stop_with(stopped);
    }

    pub(super) fn on_abort(&mut self) {
        let unfinished = self.unfinished();
        self.stop_with(Stopped { reason: StopReason::Aborted, unfinished });
    }

    fn unfinished(&self) -> Vec<Unfinished> {
        self.indexes().into_iter().filter_map(|index| self.unfinished_in(index)).collect()
    }

    fn unfinished_in(&self, index: PartitionIndex) -> Option<Unfinished> {
        let partition = &self.partitions[index as usize];
        let held = partition.assignment.as_ref().filter(|held| held.has_start())?;
        let running = held.cut + held.running as u64;
        let unsettled = partition.commit.in_flight.is_some() || self.owes_commit(index);
        (running > 0 || unsettled).then(|| Unfinished {
            partition: partition.name.clone(),
            running,
            frontier: held.tracker.frontier(),
            committed: partition.known_committed,
        })
    }
}
