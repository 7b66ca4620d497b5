//! Why a partition does not flow.
//!
//! A partition flows when it has no reason not to. Reasons belong to a term and die with it; only
//! a rewind carries the application's own over, as the assignment is the same.

use crate::PauseReason;

/// The reasons that a partition has at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pauses(u8);

const ALL: [PauseReason; 4] =
    [PauseReason::User, PauseReason::Backpressure, PauseReason::Uncommitted, PauseReason::Drain];

impl Pauses {
    /// Adds a reason; whether it is new.
    pub(crate) fn add(&mut self, reason: PauseReason) -> bool {
        let fresh = !self.has(reason);
        self.0 |= 1 << reason as u8;
        fresh
    }

    /// Removes a reason; whether it was there.
    pub(crate) fn remove(&mut self, reason: PauseReason) -> bool {
        let had = self.has(reason);
        self.0 &= !(1 << reason as u8);
        had
    }

    pub(crate) fn has(self, reason: PauseReason) -> bool {
        self.0 & 1 << reason as u8 != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn is_only(self, reason: PauseReason) -> bool {
        self.0 == 1 << reason as u8
    }

    pub(crate) fn reasons(self) -> Vec<PauseReason> {
        ALL.into_iter().filter(|reason| self.has(*reason)).collect()
    }
}
