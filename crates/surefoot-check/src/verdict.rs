//! What the judge says: which predicates were judged, what broke them, and the counts of the run.
//!
//! A violation names the events that show it, so that nobody has to believe the judge. A predicate
//! that could not be judged is listed with the reason: silence must not look like a pass.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::history::{Guarantee, ProcessingOrder};

/// The result of judging one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The guarantee that the run was judged against.
    pub guarantee: Guarantee,
    /// The processing order that the run was judged against.
    pub processing_order: ProcessingOrder,
    /// Whether there is no violation.
    pub passed: bool,
    /// What happened, in numbers.
    pub counts: Counts,
    /// The predicates that were judged.
    pub judged: Vec<Predicate>,
    /// The predicates that were not judged, and why.
    pub not_judged: Vec<NotJudged>,
    /// How often each broken predicate was broken.
    pub violation_counts: BTreeMap<Predicate, u64>,
    /// The violations in order of predicates, at most [`SHOWN_PER_PREDICATE`] of each.
    pub violations: Vec<Violation>,
}

/// How many violations of one predicate a verdict shows; all are counted.
pub const SHOWN_PER_PREDICATE: usize = 10;

/// A predicate that was not judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotJudged {
    /// Which.
    pub predicate: Predicate,
    /// Why not.
    pub why: &'static str,
}

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What was broken.
    pub predicate: Predicate,
    /// What that predicate says.
    pub title: &'static str,
    /// How it was broken, with coordinates.
    pub message: String,
    /// The events that show it, in order.
    pub events: Vec<ShownEvent>,
}

/// An event that shows a violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownEvent {
    /// Who wrote it.
    pub source: String,
    /// Which line of that source.
    pub line: u32,
    /// When, in microseconds.
    pub at: u64,
    /// Index in the order of the run; absent for a line of a dump.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// What, in short.
    pub text: String,
}

/// What happened in the run, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records that the log shows, over all dumped partitions.
    pub produced: u64,
    /// Of these, records at or above the position at which the group started.
    pub in_scope: u64,
    /// Distinct records whose handler succeeded at least once.
    pub handled: u64,
    /// Distinct records that were skipped by an explicit decision and not handled.
    pub skipped: u64,
    /// Distinct records that a seek, a reset or a start policy passed over.
    pub passed_over: u64,
    /// At-most-once: records that were started and whose handler never succeeded.
    pub interrupted: u64,
    /// Records below the group's final position that nobody handled (at-most-once: nobody started)
    /// or skipped.
    pub lost: u64,
    /// Records at or above the group's final position that nobody handled or skipped. With
    /// `handled`, `skipped`, `passed_over`, `interrupted` and `lost` it adds up to `in_scope`.
    pub unhandled: u64,
    /// Handler calls of a record beyond its first.
    pub repeated: u64,
    /// Handler calls of a record before an earlier record of its lane was done with.
    pub out_of_order: u64,
    /// Positions that the coordinator stored.
    pub commits_applied: u64,
    /// Of these, positions lower than the one before, without a reset or a seek.
    pub commits_moved_back: u64,
    /// Incarnations that were killed or crashed.
    pub kills: u64,
    /// Incarnations.
    pub incarnations: u64,
    /// Times that a member was given partitions.
    pub rebalances: u64,
    /// Terms that ended as lost.
    pub lost_terms: u64,
    /// Longest time in milliseconds in which a partition that stayed with one member, and was not
    /// paused by the application, had a record to handle and ran none.
    pub longest_gap_ms: u64,
}

macro_rules! predicates {
    ($($name:ident = $title:literal,)*) => {
        /// A statement that every history must satisfy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[allow(missing_docs, reason = "the title of each says what it is")]
        pub enum Predicate {
            $($name,)*
        }

        impl Predicate {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name, such as `P1`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What it says.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }
        }
    };
}

predicates! {
    P1 = "a commit covers only what is done",
    P2 = "the committed position never moves back",
    P3 = "a commit stays within what was delivered and within the log",
    P4 = "only the owner commits",
    P5 = "nothing starts after its partition was given up",
    P6 = "late results change nothing",
    P7 = "records of a lane are handled one after the other",
    P8 = "no visible record is left out or delivered again within a term",
    P9 = "each delivered record ends exactly once",
    P12 = "limits hold",
    P13 = "nothing starts while paused",
    P14 = "positions jump only by an explicit decision",
    P16 = "offsets of a deleted topic are not committed to its successor",
    P20 = "at-most-once: nothing starts twice or before its commit is acknowledged",
    P21 = "at-least-once: nothing is lost, and repeats have a cause",
    P30 = "a stop is orderly and in time",
    P40 = "after healing everything is handled and the lag is zero",
    P41 = "after healing no partition stays paused or without an owner",
    P42 = "after healing the group comes to rest",
    P43 = "no partition stands still while it has work",
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
