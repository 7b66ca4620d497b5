//! Which faults a seed has, and how often.
//!
//! Faults of messages and handlers have a chance each time; faults of processes, brokers and
//! people come on their own, after a random time around a mean.

use super::engine::WITHOUT_CONTROLS;
use crate::random::{Chance, Random};
use crate::schedule::{Micros, SECOND};

/// A fault or an interference that comes on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nemesis {
    /// kill -9.
    Kill,
    /// SIGSTOP, and SIGCONT later.
    Stop,
    /// A member drains and leaves, and comes back.
    Restart,
    /// The group's coordinator moves.
    CoordinatorAway,
    /// The partition's retention deletes its oldest records.
    Retention,
    /// Compaction removes records.
    Compaction,
    /// The application pauses partitions for a while.
    Pause,
    Seek,
    Commit,
    CommitAt,
    /// A wall clock jumps.
    ClockJump,
    /// Everything is slow for a while.
    Throttle,
}

/// The faults of one seed.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultPlan {
    pub(crate) lose: Chance,
    pub(crate) delay: Chance,
    /// A commit that was applied is reported late or not at all.
    pub(crate) lose_commit_reply: Chance,
    /// The client holds a commit back.
    pub(crate) hold_commit: Chance,
    pub(crate) refuse: Chance,
    pub(crate) refuse_partition: Chance,
    pub(crate) unauthorized: Chance,
    /// An answer reaches the engine twice.
    pub(crate) repeat_answer: Chance,
    /// The client forgets its prefetch when the group rebalances.
    pub(crate) purge: Chance,
    /// The client goes back further than it has to.
    pub(crate) reread: Chance,
    pub(crate) gap: Chance,
    pub(crate) transactional: Chance,
    pub(crate) abort_transaction: Chance,
    pub(crate) hang_transaction: Chance,
    pub(crate) fail: Chance,
    pub(crate) panic: Chance,
    pub(crate) slow: Chance,
    pub(crate) ignore_cancel: Chance,
    /// A stop is followed by a second signal.
    pub(crate) abort: Chance,
    /// The leader moves partitions for no reason.
    pub(crate) restless: Chance,
    pub(crate) retention_passes_committed: bool,
    /// The mean time between two of them.
    pub(crate) nemeses: Vec<(Nemesis, Micros)>,
}

impl FaultPlan {
    pub(crate) fn choose(random: &mut Random) -> Self {
        let mut plan = Self::default();
        plan.choose_log(random);
        if random.chance(Chance::percent(8)) {
            return plan;
        }
        plan.choose_messages(random);
        plan.choose_handlers(random);
        for (nemesis, mean) in [
            (Nemesis::Kill, 15),
            (Nemesis::Stop, 20),
            (Nemesis::Restart, 15),
            (Nemesis::CoordinatorAway, 20),
            (Nemesis::Retention, 15),
            (Nemesis::Compaction, 10),
            (Nemesis::ClockJump, 20),
            (Nemesis::Throttle, 25),
        ] {
            plan.maybe_nemesis(random, nemesis, mean);
        }
        if !random.chance(WITHOUT_CONTROLS) {
            for (nemesis, mean) in [
                (Nemesis::Pause, 12),
                (Nemesis::Seek, 15),
                (Nemesis::Commit, 6),
                (Nemesis::CommitAt, 10),
            ] {
                plan.maybe_nemesis(random, nemesis, mean);
            }
        }
        plan.retention_passes_committed = random.chance(Chance::percent(30));
        plan
    }

    /// What the log is like is no fault.
    fn choose_log(&mut self, random: &mut Random) {
        self.gap = maybe(random, 2_000);
        self.transactional = maybe(random, 8_000);
        self.abort_transaction = maybe(random, 4_000);
        self.hang_transaction = maybe(random, 2_000);
    }

    fn choose_messages(&mut self, random: &mut Random) {
        self.lose = maybe(random, 800);
        self.delay = maybe(random, 1_500);
        self.lose_commit_reply = maybe(random, 3_000);
        self.hold_commit = maybe(random, 1_500);
        self.refuse = maybe(random, 2_000);
        self.refuse_partition = maybe(random, 2_000);
        self.unauthorized =
            if random.chance(Chance::percent(5)) { Chance(1_000) } else { Chance::NEVER };
        self.repeat_answer = maybe(random, 1_000);
        self.purge = maybe(random, 6_000);
        self.reread = maybe(random, 8_000);
        self.restless = maybe(random, 5_000);
    }

    fn choose_handlers(&mut self, random: &mut Random) {
        self.fail = if random.chance(Chance::percent(25)) {
            Chance(random.between(1, 150) as u32)
        } else {
            Chance::NEVER
        };
        self.panic = if random.chance(Chance::percent(15)) {
            Chance(random.between(1, 100) as u32)
        } else {
            Chance::NEVER
        };
        self.slow = maybe(random, 800);
        self.ignore_cancel = maybe(random, 10_000);
        self.abort = maybe(random, 5_000);
    }

    fn maybe_nemesis(&mut self, random: &mut Random, nemesis: Nemesis, mean_seconds: u64) {
        if random.chance(Chance::percent(40)) {
            let mean = random.between(mean_seconds / 3, mean_seconds * 2) * SECOND;
            self.nemeses.push((nemesis, mean));
        }
    }
}

/// In two seeds of five, with a chance of up to `most` ten-thousandths.
fn maybe(random: &mut Random, most: u64) -> Chance {
    if random.chance(Chance::percent(40)) {
        Chance(random.between(1, most) as u32)
    } else {
        Chance::NEVER
    }
}
