//! What one seed runs: the promise, the sizes, and which faults may happen how often.
//!
//! Swarm testing: a run that has every fault at once seldom gets far, and two faults that hide
//! each other are never seen apart. So each seed takes a random subset, the empty one included.

mod engine;
mod faults;

use std::sync::Arc;

use surefoot_check::history;
use surefoot_core::{EngineConfig, TopicPartition};

pub(crate) use faults::{FaultPlan, Nemesis};

use crate::random::{Chance, Random};
use crate::schedule::{MILLI, Micros, SECOND};

/// How a group rebalances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Everybody gives up everything before each rebalance.
    Eager,
    /// Only what moves is given up.
    Cooperative,
}

/// What one seed runs.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) guarantee: history::Guarantee,
    pub(crate) engine: EngineConfig,
    pub(crate) protocol: Protocol,
    pub(crate) members: usize,
    pub(crate) partitions: Vec<TopicPartition>,
    /// The first offset of each partition's log.
    pub(crate) log_starts: Vec<i64>,
    /// The last partition appears only while the group runs.
    pub(crate) added_later: bool,
    pub(crate) records: u64,
    /// How many of them are there before the group begins.
    pub(crate) records_at_first: u64,
    pub(crate) keys: u64,
    pub(crate) keyless: Chance,
    /// How many records one fetch brings at most.
    pub(crate) fetch_size: usize,
    pub(crate) handler: HandlerPlan,
    pub(crate) session_timeout: Micros,
    pub(crate) heartbeat_interval: Micros,
    pub(crate) rebalance_timeout: Micros,
    pub(crate) initial_delay: Micros,
    pub(crate) request_timeout: Micros,
    /// When the faults end.
    pub(crate) heal_at: Micros,
    /// The shell looks at its sources in a random order.
    pub(crate) shuffles_sources: bool,
    /// The client says when what it was asked to give up is lost meanwhile.
    pub(crate) tells_late_loss: bool,
    pub(crate) faults: FaultPlan,
}

/// How handlers behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandlerPlan {
    pub(crate) shortest: Micros,
    pub(crate) longest: Micros,
    /// At most this many parts of a batch end one by one.
    pub(crate) pieces: u64,
}

impl Plan {
    pub(crate) fn of_seed(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let random = &mut random;
        let faults = FaultPlan::choose(random);
        let guarantee = random.pick(&[
            history::Guarantee::AtLeastOnce,
            history::Guarantee::AtLeastOnce,
            history::Guarantee::AtMostOnce,
            history::Guarantee::AtMostOnce,
            history::Guarantee::Manual,
        ]);
        let (partitions, added_later) = choose_partitions(random);
        let log_starts = partitions
            .iter()
            .map(|_| {
                if random.chance(Chance::percent(30)) { random.spread(1, 5_000) as i64 } else { 0 }
            })
            .collect();
        let records = random.between(50, 300);
        let engine = engine::choose(random, guarantee, &faults);
        let longest = random.spread(MILLI, 2 * SECOND);
        let heartbeat_interval = random.between(500, 3_000) * MILLI;
        let mut plan = Self {
            seed,
            guarantee,
            protocol: random.pick(&[Protocol::Eager, Protocol::Cooperative]),
            members: random.between(1, 4) as usize,
            partitions,
            log_starts,
            added_later,
            records,
            records_at_first: random.below(records + 1),
            keys: random.spread(1, 50),
            keyless: random.pick(&[Chance::NEVER, Chance::percent(10), Chance::percent(60)]),
            fetch_size: random.spread(1, 40) as usize,
            handler: HandlerPlan { shortest: longest / 10, longest, pieces: random.between(1, 4) },
            session_timeout: random.between(6, 12) * SECOND,
            heartbeat_interval,
            rebalance_timeout: random.between(4, 40) * SECOND,
            initial_delay: random.below(3 * SECOND),
            request_timeout: random.between(2, 8) * SECOND,
            heal_at: random.between(20, 100) * SECOND,
            shuffles_sources: random.coin(),
            tells_late_loss: random.coin(),
            engine,
            faults,
        };
        plan.fit();
        plan
    }

    /// Settles what two choices together would make impossible.
    fn fit(&mut self) {
        use surefoot_core::{CommitPolicy, DeliveryUnit, Guarantee};
        if let (
            Guarantee::AtMostOnce,
            DeliveryUnit::Batch,
            CommitPolicy::Auto { every_records, .. },
        ) = (self.engine.guarantee, self.engine.delivery_unit, self.engine.commit)
        {
            // A batch that is larger than the window could never be committed ahead.
            let window = every_records.map_or(1, |records| records.get() as usize);
            self.fetch_size = self.fetch_size.min(window);
        }
        // One record after another must take less than half of the time that healing may take.
        let longest = crate::world::HEALING_BOUND / 2 / self.records;
        self.handler.longest = self.handler.longest.min(longest);
        self.handler.shortest = self.handler.shortest.min(self.handler.longest);
    }

    /// How many records at-most-once may commit ahead.
    pub(crate) fn window(&self) -> u64 {
        match (self.engine.guarantee, self.engine.commit) {
            (
                surefoot_core::Guarantee::AtMostOnce,
                surefoot_core::CommitPolicy::Auto { every_records: Some(records), .. },
            ) => u64::from(records.get()),
            _ => 0,
        }
    }
}

fn choose_partitions(random: &mut Random) -> (Vec<TopicPartition>, bool) {
    let topics: &[Arc<str>] = &[Arc::from("orders"), Arc::from("returns")];
    let topics = &topics[..random.between(1, 2) as usize];
    let count = random.between(1, 6) as usize;
    let partitions: Vec<_> = (0..count)
        .map(|index| {
            let topic = Arc::clone(&topics[index % topics.len()]);
            TopicPartition::new(topic, (index / topics.len()) as i32)
        })
        .collect();
    // A later partition belongs to a topic that the group reads already.
    let added_later = count > topics.len() && random.chance(Chance::percent(15));
    (partitions, added_later)
}
