//! Which hard cases were reached, and how often.
//!
//! A simulation that never opens the window in which a bug lives says nothing about it. Each case
//! that a guarantee is known to break at has a counter here, and a long run in which one stays
//! zero fails.

use std::fmt;

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A case worth reaching.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reached {
            $(#[doc = $text] $name,)*
        }

        impl Reached {
            /// All cases in order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is, in words.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

cases! {
    RequestLost = "fault: request lost",
    ReplyLost = "fault: reply lost",
    Delayed = "fault: message late by more than 100 ms",
    Killed = "fault: process killed",
    KilledBetweenOutputs = "fault: process killed between two outputs",
    Stopped = "fault: process stopped (SIGSTOP)",
    Restarted = "fault: member leaves and comes back",
    CoordinatorAway = "fault: coordinator away",
    CoordinatorRefuses = "fault: coordinator refuses for a while",
    Unauthorized = "fault: not authorized for a while",
    CommitRefusedInPart = "fault: commit refused for one partition of several",
    HandlerFailed = "fault: handler failed",
    HandlerPanicked = "fault: handler panicked",
    HandlerSlow = "fault: handler slow",
    CancelIgnored = "fault: handler ignores its cancellation",
    Retention = "fault: retention",
    Compaction = "fault: compaction",
    TransactionAborted = "fault: transaction aborted",
    TransactionHanging = "fault: transaction hanging",
    Purged = "fault: prefetch forgotten at a rebalance",
    ClockJump = "fault: wall clock jumped",
    Throttle = "fault: everything slow",
    PartitionAdded = "fault: partition added",
    RepeatedAnswer = "fault: an answer came twice",
    UserPause = "application: pause",
    UserSeek = "application: seek",
    UserCommit = "application: commit now",
    UserCommitAt = "application: commit at a position",
    CommitUnknownApplied = "commit unknown to the member and applied",
    CommitUnknownNotApplied = "commit unknown to the member and not applied",
    CommitUnknownResent = "commit sent again after an unknown outcome, same position",
    KilledWithCommitInFlight = "killed between commit sent and its answer",
    AppliedAfterDeath = "commit of a dead process applied",
    RevokeWithFlights = "revoked with two or more handlers running",
    LostWithCommitInFlight = "lost with a commit unanswered",
    LostWhileDraining = "lost while draining",
    OldFlightInNewTerm = "assigned again while a handler of the old term runs",
    StaleResult = "result of a term that is over",
    RefusedIllegalGeneration = "commit refused: illegal generation",
    RefusedUnknownMember = "commit refused: unknown member",
    RefusedRebalancing = "commit refused: rebalance in progress",
    ZombieCommitRefused = "commit of a zombie refused",
    CommitHeld = "commit held back by the client",
    HeldCommitSent = "held-back commit sent later",
    HeldCommitOtherGeneration = "held-back commit sent in another generation",
    CommitSentTwice = "commit held back although it had been sent before",
    CommitByStranger = "held-back commit sent by a client that the group forgot",
    LateAnswer = "answer after the outcome was reported unknown",
    DrainRanOut = "drain ran out of time",
    Renewed = "client made anew",
    MemberExpired = "member forgotten after its session timeout",
    MemberTooLate = "member forgotten because it joined too late",
    Kept = "partition kept through a cooperative rebalance",
    EndBehindMarkers = "end reached behind markers or gaps",
    GapRead = "gap of more than a million offsets read over",
    RetentionPassedCommitted = "retention passed the committed position",
    ResetAtStart = "committed position outside the log at a start",
    ResetWhileReading = "position outside the log while reading",
    SeekWithFlights = "seek with handlers running",
    CommitAtWithSkips = "commit at a position above unfinished records",
    CommitAtRefused = "commit at a position refused because a record runs",
    SecondSignal = "second stop signal",
    StopUnfinished = "stop with work unfinished",
    StartUnknown = "start looked up without an answer",
    StartOfNewPartition = "start of a partition that was added later",
    RepeatedRecords = "records read again within a term",
    RecordsAfterTerm = "records read for a term that is over",
    BatchInPieces = "batch ended in pieces, out of order",
    EndsTogether = "ends of several records reported together",
    PausedAtBudget = "reading paused at the budget",
    PausedUncommitted = "reading paused because commits fail",
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// How often each case was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachTable {
    counts: Vec<u64>,
}

impl Default for ReachTable {
    fn default() -> Self {
        Self { counts: vec![0; Reached::ALL.len()] }
    }
}

impl ReachTable {
    pub(crate) fn count(&mut self, case: Reached) {
        self.counts[case as usize] += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// How often a case was reached.
    pub fn of(&self, case: Reached) -> u64 {
        self.counts[case as usize]
    }

    /// The cases that were never reached.
    pub fn unreached(&self) -> impl Iterator<Item = Reached> {
        Reached::ALL.iter().copied().filter(|&case| self.of(case) == 0)
    }
}
