//! Many seeds, and what they add up to.
//!
//! Seeds are independent, so threads take them in turn. A panic of the engine is a result like any
//! other: the seed failed, and the next one runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::judging::{SeedResult, run_seed};
use crate::reach::ReachTable;
use crate::recorder::Tracing;

/// What a run of many seeds added up to.
#[derive(Debug, Default)]
pub struct Report {
    /// Seeds that ran.
    pub seeds: u64,
    /// The seeds that failed, in order, with what was wrong.
    pub failures: Vec<Failure>,
    /// The hard cases that were reached.
    pub reached: ReachTable,
    /// Virtual time in microseconds.
    pub simulated: u64,
    /// Things that happened.
    pub events: u64,
    /// Lines of the histories.
    pub lines: u64,
    /// A hash over the hashes of all seeds, whatever their order.
    pub hash: u64,
    /// How long it took.
    pub took: Duration,
}

/// A seed that failed.
#[derive(Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What was wrong.
    pub what: What,
}

/// How a seed failed.
#[derive(Debug)]
pub enum What {
    /// The history broke a predicate, or the harness saw something.
    Violations(Vec<String>),
    /// The engine, or the simulation, panicked.
    Panic(String),
}

/// When to stop before all seeds ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAt {
    /// All seeds run.
    TheEnd,
    /// The first seed whose history the judge refuses ends the run.
    FirstViolation,
}

/// Runs the seeds `from..from + count` on as many threads as there are cores.
pub fn run_seeds(from: u64, count: u64, stop: StopAt) -> Report {
    let began = Instant::now();
    let next = AtomicU64::new(from);
    let end = from.saturating_add(count);
    let total = Mutex::new(Report::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = Report::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    if own.take(seed) && stop == StopAt::FirstViolation {
                        next.store(end, Ordering::Relaxed);
                    }
                }
                let mut total = total.lock().expect("no thread panics while it adds up");
                total.add(own);
            });
        }
    });
    let mut total = total.into_inner().expect("no thread panics while it adds up");
    total.failures.sort_by_key(|failure| failure.seed);
    total.took = began.elapsed();
    total
}

impl Report {
    /// Runs a seed, and says whether its history was refused.
    fn take(&mut self, seed: u64) -> bool {
        self.seeds += 1;
        match catch_unwind(AssertUnwindSafe(|| run_seed(seed, Tracing::Off))) {
            Ok(result) => self.count(result),
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_else(|| "panic without a text".to_owned());
                self.failures.push(Failure { seed, what: What::Panic(text) });
                false
            }
        }
    }

    fn count(&mut self, result: SeedResult) -> bool {
        self.reached.add(&result.reached);
        self.simulated += result.simulated;
        self.events += result.events;
        self.lines += result.lines;
        self.hash = self.hash.wrapping_add(result.hash);
        let refused = !result.violations.is_empty();
        if refused {
            let what = What::Violations(result.violations);
            self.failures.push(Failure { seed: result.seed, what });
        }
        refused
    }

    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.failures.extend(other.failures);
        self.reached.add(&other.reached);
        self.simulated += other.simulated;
        self.events += other.events;
        self.lines += other.lines;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}
