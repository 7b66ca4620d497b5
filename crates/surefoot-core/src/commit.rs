//! The commit of a partition: at most one in flight, and who waits for it.
//!
//! A commit that was sent is in flight until the client says what became of it, even after the
//! engine stopped believing in an answer: a second one beside it could be applied first, and the
//! group would move back. What was committed counts only when it was acknowledged.

use std::time::Duration;

use crate::{ControlId, EffectId, Mono, Position, Term};

/// The commits of one partition.
#[derive(Debug, Default)]
pub(crate) struct CommitSlot {
    pub(crate) in_flight: Option<InFlight>,
    /// Consecutive commits that were not done.
    pub(crate) failures: u32,
    /// No commit before this time: the last one was not done.
    pub(crate) retry_at: Option<Mono>,
    /// Since when commits are refused for lack of a permission.
    pub(crate) unauthorized_since: Option<Mono>,
    /// Commit as soon as possible, whatever the policy says.
    pub(crate) wanted: bool,
    /// Manual commits: the position that the application asked for.
    pub(crate) asked: Option<Position>,
    pub(crate) waiters: Vec<Waiter>,
}

/// A commit that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    pub(crate) effect: EffectId,
    pub(crate) term: Term,
    pub(crate) position: Position,
    /// The number behind the last record that it covers.
    pub(crate) number: u64,
    pub(crate) sent_at: Mono,
    /// The deadline passed: those who waited were told that the outcome is unknown.
    pub(crate) overdue: bool,
}

/// A request from the application that waits until a position is committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    pub(crate) control: ControlId,
    pub(crate) position: Position,
    pub(crate) since: Mono,
}

/// The delay before the next try after `failures` in a row: 50 ms, doubled up to 3.2 s. Kafka's
/// `retry.backoff.ms` is 100 and its maximum 1,000; a coordinator takes seconds to move.
pub(crate) fn backoff(failures: u32) -> Duration {
    Duration::from_millis(50 << failures.saturating_sub(1).min(6))
}

impl CommitSlot {
    /// Whether a commit may be sent now.
    pub(crate) fn is_free(&self, now: Mono) -> bool {
        self.in_flight.is_none() && self.retry_at.is_none_or(|at| at <= now)
    }
}
