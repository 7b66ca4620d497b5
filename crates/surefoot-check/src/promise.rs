//! What a run is judged against: the guarantee, and the bounds that a guarantee leaves open.
//!
//! Safety needs no bound: it holds or not. How long something may take does, and only whoever made
//! the run knows: a simulation without faults is strict to the microsecond, a loaded machine is
//! not.

use crate::history::{Guarantee, ProcessingOrder};
use crate::run::Run;

/// What a run is judged against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// The guarantee.
    pub guarantee: Guarantee,
    /// The order in which records are handled.
    pub processing_order: ProcessingOrder,
    /// How much of the log must have been handled when the run ends.
    pub completeness: Completeness,
    /// Whether others than the run's members may commit for the group.
    pub foreign_commits: ForeignCommits,
    /// How far the coordinator's clock and the members' may be apart, in milliseconds. Used only
    /// where committed positions come from a dump. Too low: an ordinary start looks like a stale
    /// one. Too high: a start that ignored a commit shortly before it is not seen.
    pub clock_slack_ms: u64,
    /// How many bytes a member may hold above its budget: the largest run of records that one fetch
    /// can bring, because a run is accepted whole.
    pub buffer_slack_bytes: u64,
    /// How long an exit may take beyond the drain deadline, in milliseconds; and how long after a
    /// second signal.
    pub exit_slack_ms: u64,
    /// Bounds after `healed`; not judged without them or in a run that was never healed.
    pub liveness: Option<Liveness>,
    /// Longest time in milliseconds that a partition may stand still although it is owned, not
    /// paused, has records to read and no handler runs. Not judged when absent.
    pub stall_bound_ms: Option<u64>,
}

/// How much of the log must have been handled when the run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// All of it, from where the group started: the run went on until nothing was left.
    WholeLog,
    /// What was committed. The run may end with records that nobody reached.
    OnlyCommitted,
}

/// Whether others than the run's members may commit for the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignCommits {
    /// A commit that no member sent is a violation: a history is missing, or somebody interfered.
    Refused,
    /// Another program takes part in the group and writes no history.
    Allowed,
}

/// What must happen after all faults are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liveness {
    /// Milliseconds after `healed` until every record is handled and the lag is zero; also the
    /// longest time that a partition may be paused or without an owner.
    pub bound_ms: u64,
    /// How many times one partition may change its owner after `healed`.
    pub max_rebalances: u64,
    /// How many commits, pauses and ownership changes a second may have after `healed`, over all
    /// members: more is a loop that goes nowhere.
    pub max_actions_per_second: u64,
}

impl Promise {
    /// The promise of a guarantee, with bounds that suit processes on one machine: nothing about
    /// liveness, the whole log handled.
    pub fn new(guarantee: Guarantee, processing_order: ProcessingOrder) -> Self {
        Self {
            guarantee,
            processing_order,
            completeness: Completeness::WholeLog,
            foreign_commits: ForeignCommits::Refused,
            clock_slack_ms: 1_000,
            buffer_slack_bytes: 1 << 20,
            exit_slack_ms: 1_000,
            liveness: None,
            stall_bound_ms: None,
        }
    }

    /// The promise that the members of a run began with; `None` for a run without members.
    pub fn of(run: &Run) -> Option<Self> {
        let (_, begin) = run.begins().next()?;
        Some(Self::new(begin.guarantee, begin.processing_order))
    }
}
