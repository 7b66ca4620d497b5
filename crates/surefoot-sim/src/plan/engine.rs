//! The engine's configuration of a seed.
//!
//! Small budgets and short deadlines, because a limit that is never met is never tested.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use surefoot_check::history;
use surefoot_core::{
    Budget, CommitPolicy, DeliveryUnit, EngineConfig, Guarantee, OutOfRange, Position,
    ProcessingOrder, StartAt, StartPolicy,
};

use super::{FaultPlan, Nemesis};
use crate::random::{Chance, Random};

pub(super) fn choose(
    random: &mut Random,
    guarantee: history::Guarantee,
    faults: &FaultPlan,
) -> EngineConfig {
    let commit = choose_commit(random, guarantee);
    EngineConfig {
        guarantee: match guarantee {
            history::Guarantee::AtMostOnce => Guarantee::AtMostOnce,
            history::Guarantee::AtLeastOnce | history::Guarantee::Manual => Guarantee::AtLeastOnce,
        },
        processing_order: random.pick(&[
            ProcessingOrder::Partition,
            ProcessingOrder::Key,
            ProcessingOrder::Key,
            ProcessingOrder::Unordered,
        ]),
        delivery_unit: random.pick(&[
            DeliveryUnit::Record,
            DeliveryUnit::Record,
            DeliveryUnit::Batch,
        ]),
        commit,
        budget: choose_budget(random),
        start: choose_start(random, faults),
        drain_deadline: Duration::from_millis(random.spread(200, 10_000)),
        commit_timeout: Duration::from_millis(random.spread(500, 12_000)),
    }
}

fn choose_commit(random: &mut Random, guarantee: history::Guarantee) -> CommitPolicy {
    let records = NonZeroU32::new(random.spread(1, 20) as u32);
    let every = Some(Duration::from_millis(random.spread(50, 5_000)));
    match guarantee {
        history::Guarantee::Manual => CommitPolicy::Manual,
        history::Guarantee::AtMostOnce => {
            CommitPolicy::Auto { every_records: records, every: None }
        }
        history::Guarantee::AtLeastOnce => match random.below(3) {
            0 => CommitPolicy::Auto { every_records: records, every: None },
            1 => CommitPolicy::Auto { every_records: None, every },
            _ => CommitPolicy::Auto { every_records: records, every },
        },
    }
}

fn choose_budget(random: &mut Random) -> Budget {
    let mut size = |low, high| {
        NonZeroUsize::new(random.spread(low, high) as usize).expect("a spread is at least its low")
    };
    Budget {
        max_in_flight: size(1, 64),
        max_buffered_records: size(2, 1_000),
        max_buffered_bytes: size(1_000, 1 << 20),
        max_uncommitted_records: size(2, 1_000),
        max_uncommitted_age: Duration::from_millis(random.spread(1_000, 60_000)),
    }
}

fn choose_start(random: &mut Random, faults: &FaultPlan) -> StartPolicy {
    let without_commit = match random.below(10) {
        0 => StartAt::End,
        1 => StartAt::Timestamp(crate::fabric::WALL_ORIGIN_MS + random.below(20_000) as i64),
        2 => StartAt::Position(Position::new(random.spread(1, 50) as i64)),
        _ => StartAt::Beginning,
    };
    let goes_back = faults.nemeses.iter().any(|(nemesis, _)| *nemesis == Nemesis::Seek);
    let out_of_range = if faults.retention_passes_committed || goes_back {
        // To fail would be right, and for ever.
        random.pick(&[OutOfRange::Beginning, OutOfRange::End])
    } else {
        random.pick(&[OutOfRange::Fail, OutOfRange::Fail, OutOfRange::Beginning])
    };
    StartPolicy { without_commit, out_of_range }
}

/// Half of the seeds have no application that interferes.
pub(super) const WITHOUT_CONTROLS: Chance = Chance::percent(50);
