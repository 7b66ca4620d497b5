//! What a completion costs in the offset tracker, and in an ordered set that does the same.
//!
//! Handlers end in any order, so completions are fed in random order over windows of several sizes:
//! a window is how many records are delivered and not finished. After each the frontier is read, as
//! a commit would. The order is drawn before the clock runs, and the clock is the thread's CPU
//! time, so that a neighbour costs cache and not time.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Duration;

use surefoot_core::{Offset, OffsetTracker, Position};

use super::Setup;
use crate::record::mixed;
use crate::report::{Comparison, Figures, Section, Target};
use crate::rounds::interleave;
use crate::spread::Spread;
use crate::usage;

const WINDOWS: [(usize, [&str; 2]); 4] = [
    (64, ["64: ns/completion", "64: ns/record"]),
    (1 << 10, ["1 k: ns/completion", "1 k: ns/record"]),
    (10_000, ["10 k: ns/completion", "10 k: ns/record"]),
    (1 << 16, ["64 k: ns/completion", "64 k: ns/record"]),
];
const ROUNDS: usize = 10;
const TARGET_NANOS: f64 = 2.0;
/// Completions in one measurement, so that it takes milliseconds.
const COMPLETIONS: usize = 1 << 20;
const BETWEEN_LOOKS: usize = 1 << 13;

/// What tracks.
#[derive(Clone, Copy)]
enum Tracks {
    Surefoot,
    OrderedSet,
}

/// Time of one measurement, in nanoseconds a record.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// Finishing it, and reading the frontier.
    completion: f64,
    /// Delivering and finishing it.
    record: f64,
}

pub(super) fn run(setup: &Setup) -> Section {
    let arms =
        [("surefoot-core OffsetTracker", Tracks::Surefoot), ("BTreeSet", Tracks::OrderedSet)];
    let mut figures: Vec<BTreeMap<&'static str, Spread>> = vec![BTreeMap::new(); arms.len()];
    let mut comparisons = Vec::new();
    for (window, [completion, record]) in WINDOWS {
        let order = Order::new(window);
        let costs = interleave(&arms, setup.rounds(ROUNDS), |(_, tracks)| {
            Ok(match tracks {
                Tracks::Surefoot => cost(&order, Surefoot::default),
                Tracks::OrderedSet => cost(&order, OrderedSet::default),
            })
        });
        let costs = costs.expect("no measurement fails");
        for (figures, costs) in figures.iter_mut().zip(&costs) {
            let spread = |of: fn(&Cost) -> f64| Spread::of(costs.iter().map(of).collect());
            figures.insert(completion, spread(|cost| cost.completion));
            figures.insert(record, spread(|cost| cost.record));
        }
        let [ours, set] = [&figures[0][completion], &figures[1][completion]];
        comparisons.push(Comparison {
            what: format!("a completion in a window of {window}"),
            value: ours.clone(),
            unit: " ns",
            target: Some(Target::AtMost(TARGET_NANOS)),
            indistinguishable: false,
        });
        comparisons.push(Comparison {
            what: format!("the same / BTreeSet, window of {window}"),
            value: ours.with(set, |ours, set| ours / set),
            unit: "×",
            target: None,
            indistinguishable: ours.overlaps(set),
        });
    }
    let figures = arms.iter().zip(figures);
    Section {
        name: "tracker".to_owned(),
        about: vec!["completions in random order; the frontier is read after each".to_owned()],
        arms: figures
            .map(|((arm, _), figures)| Figures { arm: (*arm).to_owned(), figures })
            .collect(),
        comparisons,
    }
}

/// In which order the records of a window are finished.
struct Order(Vec<u32>);

impl Order {
    fn new(window: usize) -> Self {
        let mut order: Vec<u32> = (0..window as u32).collect();
        for last in (1..order.len()).rev() {
            let other = mixed(last as u64) % (last as u64 + 1);
            order.swap(last, other as usize);
        }
        Self(order)
    }
}

/// Delivers and finishes.
trait Track {
    fn deliver(&mut self, offset: i64);
    fn finish(&mut self, offset: i64);
    fn frontier(&self) -> i64;
}

struct Surefoot(OffsetTracker);

impl Default for Surefoot {
    fn default() -> Self {
        Self(OffsetTracker::new(Position::new(0)))
    }
}

impl Track for Surefoot {
    fn deliver(&mut self, offset: i64) {
        self.0.deliver(Offset::new(offset));
    }

    fn finish(&mut self, offset: i64) {
        self.0.finish(Offset::new(offset));
    }

    fn frontier(&self) -> i64 {
        self.0.frontier().get()
    }
}

#[derive(Default)]
struct OrderedSet {
    pending: BTreeSet<i64>,
    next: i64,
}

impl Track for OrderedSet {
    fn deliver(&mut self, offset: i64) {
        self.pending.insert(offset);
        self.next = offset + 1;
    }

    fn finish(&mut self, offset: i64) {
        self.pending.remove(&offset);
    }

    fn frontier(&self) -> i64 {
        self.pending.first().copied().unwrap_or(self.next)
    }
}

/// Fills windows and empties them in random order, time after time. Small windows are filled
/// several at a time, because looking at the clock costs as much as many completions.
fn cost<T: Track>(order: &Order, make: impl Fn() -> T) -> Cost {
    let window = order.0.len();
    let mut tracks: Vec<T> = (0..BETWEEN_LOOKS.div_ceil(window)).map(|_| make()).collect();
    let times = COMPLETIONS.div_ceil(window * tracks.len());
    let (mut delivering, mut finishing) = (Duration::ZERO, Duration::ZERO);
    for nth in 0..times {
        let first = (nth * window) as i64;
        let start = usage::thread_cpu_time();
        for track in &mut tracks {
            for offset in first..first + window as i64 {
                track.deliver(offset);
            }
        }
        let delivered = usage::thread_cpu_time();
        for track in &mut tracks {
            for &at in &order.0 {
                track.finish(first + i64::from(at));
                black_box(track.frontier());
            }
        }
        finishing += usage::thread_cpu_time() - delivered;
        delivering += delivered - start;
        let end = first + window as i64;
        assert!(tracks.iter().all(|track| track.frontier() == end), "everything is finished");
    }
    let nanos = |time: Duration| time.as_secs_f64() * 1e9 / (times * tracks.len() * window) as f64;
    Cost { completion: nanos(finishing), record: nanos(delivering + finishing) }
}
