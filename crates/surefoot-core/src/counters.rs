//! Counts of what the engine did and of the stale inputs that it dropped.
//!
//! Late and repeated inputs are normal, so they are neither errors nor silent: each has a counter.

/// Totals since the engine was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records accepted for delivery.
    pub delivered: u64,
    /// Records whose handler succeeded.
    pub done: u64,
    /// Records whose handler failed or panicked.
    pub failed: u64,
    /// Records passed over by an explicit decision.
    pub skipped: u64,
    /// Records that were read and dropped unstarted because their term ended.
    pub dropped: u64,
    /// Records that were committed ahead and never started because their term ended (at-most-once).
    pub lost_ahead: u64,
    /// Handlers whose term ended before they did.
    pub orphaned: u64,
    /// Handler outcomes that came for a term that is over.
    pub stale_results: u64,
    /// Records read again within a term, or for a term that is over.
    pub stale_records: u64,
    /// Other inputs that came for a term or effect that is over.
    pub stale_inputs: u64,
    /// Commits sent, per partition.
    pub commits_sent: u64,
    /// Commits done, per partition.
    pub commits_done: u64,
    /// Commits refused, per partition.
    pub commits_refused: u64,
    /// Commits whose outcome is unknown, per partition.
    pub commits_unknown: u64,
    /// Partitions assigned.
    pub assigned: u64,
    /// Partitions asked back.
    pub revoked: u64,
    /// Partitions lost.
    pub lost: u64,
}
