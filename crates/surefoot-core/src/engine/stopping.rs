//! Coming to rest: on request, at once, or because something failed.
//!
//! A stop drains every partition like a revocation, and reports what it could not finish and
//! commit in time. Nothing that is not finished is ever committed to make a stop look clean.

use std::time::Duration;

use crate::engine::Engine;
use crate::engine::giving::commit_reserve;
use crate::lane::PartitionIndex;
use crate::{Mono, Position, StopReason, Stopped, Unfinished};

/// A stop under way.
#[derive(Debug)]
pub(super) struct Stopping {
    reason: StopReason,
    /// When handlers have had their time.
    pub(super) cutoff: Mono,
    /// When everything has.
    pub(super) deadline: Mono,
    /// Handlers had their time.
    pub(super) cut: bool,
}

impl Engine {
    pub(super) fn on_stop(&mut self, now: Mono, deadline: Option<Duration>) {
        self.begin_stop(now, StopReason::Requested, deadline);
    }

    pub(super) fn begin_stop(&mut self, now: Mono, reason: StopReason, deadline: Option<Duration>) {
        let drain = deadline.unwrap_or(self.config.drain_deadline);
        let until = now.after(drain);
        if let Some(stopping) = &mut self.stopping {
            // The first reason is the cause, unless nothing was wrong till then; a second request
            // may only shorten the time.
            if stopping.reason == StopReason::Requested {
                stopping.reason = reason;
            }
            if until < stopping.deadline {
                stopping.deadline = until;
                stopping.cutoff = stopping.cutoff.min(until);
            }
            return;
        }
        let cutoff = now.after(drain.saturating_sub(commit_reserve(drain)));
        let refused = matches!(reason, StopReason::Refused { .. });
        self.stopping = Some(Stopping { reason, cutoff, deadline: until, cut: false });
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
        let Some(stopping) = self.stopping.as_mut().filter(|_| !self.stopped) else {
            return;
        };
        if stopping.cutoff <= now {
            stopping.cut = true;
            self.cut_all_draining(now);
        }
        let Some(stopping) = &self.stopping else {
            return;
        };
        let drained = self.indexes().into_iter().all(|index| self.is_drained(index))
            && !self.awaits_orphans();
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

    /// Whether handlers of terms that are over still have time to end.
    pub(super) fn awaits_orphans(&self) -> bool {
        let waits = self.stopping.as_ref().is_some_and(|stopping| !stopping.cut);
        waits && !self.orphans.is_empty()
    }

    fn unfinished(&self) -> Vec<Unfinished> {
        let held = self.indexes().into_iter();
        let mut unfinished: Vec<_> = held.filter_map(|index| self.unfinished_in(index)).collect();
        for ((term, first), orphan) in &self.orphans {
            let partition = &self.partitions[orphan.partition as usize];
            if self.terms.contains_key(term) {
                // Cut just now, and counted with its partition.
                continue;
            }
            let running = orphan.unfinished.len() as u64;
            match unfinished.iter_mut().find(|other| other.partition == partition.name) {
                Some(other) => other.running += running,
                None => unfinished.push(Unfinished {
                    partition: partition.name.clone(),
                    running,
                    frontier: Position::new(*first),
                    committed: partition.known_committed,
                }),
            }
        }
        unfinished
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
