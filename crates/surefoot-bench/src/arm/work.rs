//! A handler with work in it, and what that work amounts to.
//!
//! Timers are coarse: a sleep of 10 ms takes 11, and more on a busy machine. So the ideal is
//! computed from how long the handlers really took: all of them divided by how many may run, or the
//! longest chain of one key, whichever is longer.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Notify;

use super::{ArmSpec, Outcome};
use crate::ledger::Ledger;
use crate::record::Identity;
use crate::usage;

/// The handlers' work so far. Touched from one thread at a time, like the ledger.
pub(super) struct Work {
    ledger: Ledger,
    sleep: Duration,
    in_flight: usize,
    records: u64,
    keys: Vec<Key>,
    overlaps: AtomicU64,
    ended: AtomicU64,
    first: OnceLock<Instant>,
    last: OnceLock<(Instant, Duration)>,
    complete: Notify,
}

#[derive(Default)]
struct Key {
    is_busy: AtomicBool,
    busy_nanos: AtomicU64,
}

impl Work {
    pub(super) fn new(spec: &ArmSpec) -> Self {
        Self {
            ledger: Ledger::new(spec.records, spec.keys),
            sleep: spec.work,
            in_flight: spec.in_flight,
            records: spec.records,
            keys: (0..spec.keys).map(|_| Key::default()).collect(),
            overlaps: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            first: OnceLock::new(),
            last: OnceLock::new(),
            complete: Notify::new(),
        }
    }

    /// Handles one record; whether it was the last to end.
    pub(super) async fn handle(&self, payload: Option<&[u8]>) -> bool {
        let start = Instant::now();
        self.first.get_or_init(|| start);
        self.ledger.touch(payload);
        let identity = payload.and_then(Identity::read);
        let Some(key) = identity.and_then(|it| self.keys.get(it.key as usize)) else {
            return false;
        };
        if key.is_busy.swap(true, Relaxed) {
            self.overlaps.fetch_add(1, Relaxed);
        }
        tokio::time::sleep(self.sleep).await;
        key.is_busy.store(false, Relaxed);
        let now = Instant::now();
        let nanos = u64::try_from((now - start).as_nanos()).unwrap_or(u64::MAX);
        key.busy_nanos.fetch_add(nanos, Relaxed);
        let is_last = self.ended.fetch_add(1, Relaxed) + 1 == self.records;
        if is_last {
            self.last.get_or_init(|| (now, usage::cpu_time()));
            self.complete.notify_one();
        }
        is_last
    }

    /// Waits until every record was handled.
    pub(super) async fn completed(&self) {
        self.complete.notified().await;
    }

    pub(super) fn outcome(&self) -> Result<Outcome> {
        let mut outcome = Outcome::new(self.ledger.tally())?;
        outcome.count = self.ended.load(Relaxed);
        outcome.violations += self.overlaps.load(Relaxed);
        if let (Some(first), Some((last, cpu))) = (self.first.get(), self.last.get()) {
            outcome.wall = *last - *first;
            outcome.cpu = *cpu;
        }
        let chains = || self.keys.iter().map(|key| key.busy_nanos.load(Relaxed) as f64 / 1e9);
        let busy: f64 = chains().sum();
        let shared = busy / self.in_flight as f64;
        let longest = chains().fold(0.0, f64::max);
        outcome.extra.insert("handler_millis".to_owned(), busy * 1e3 / self.records as f64);
        outcome.extra.insert("ideal_seconds".to_owned(), shared.max(longest));
        Ok(outcome)
    }
}
