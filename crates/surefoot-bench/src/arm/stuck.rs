//! How much memory a consumer fills while nothing is handled.
//!
//! The first record is taken and never ended. A client goes on fetching behind it until its own
//! limits hold; the figure is the most memory that the process ever had, taken when it did not
//! grow any more.

use std::future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use surefoot::Delivery;

use super::surefoot::{builder, runtime};
use super::{ArmSpec, Outcome};
use crate::ledger::Ledger;
use crate::usage;

/// Memory counts as full when it did not grow by a megabyte for this long: ten times what a fetch
/// waits for at most.
const AT_REST_FOR: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);
const MEGABYTE: u64 = 1_000_000;

pub(super) fn run(spec: &ArmSpec) -> Result<Outcome> {
    let consumer = builder(spec).build()?;
    let handle = consumer.handle();
    let is_stuck = &AtomicBool::new(false);
    let handler = async |_delivery: Delivery| {
        is_stuck.store(true, Ordering::Release);
        future::pending().await
    };
    let before = usage::resident()?;
    thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            let outcome = fill(is_stuck, before);
            handle.abort();
            outcome
        });
        // An abort is not a clean end, and is meant.
        let _aborted = runtime()?.block_on(consumer.run(handler));
        watcher.join().expect("the watcher does not panic")
    })
}

pub(super) fn run_poll(spec: &ArmSpec) -> Result<Outcome> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &spec.bootstrap)
        .set("group.id", &spec.group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?;
    let before = usage::resident()?;
    consumer.subscribe(&[&spec.topic])?;
    let start = Instant::now();
    // A poll also ends when it has heard news of the group.
    let _kept = loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(first) => break first?,
            None => ensure!(start.elapsed() < PATIENCE, "no record came"),
        }
    };
    fill(&AtomicBool::new(true), before)
}

/// Waits until a handler is stuck and memory does not grow any more.
fn fill(is_stuck: &AtomicBool, before: u64) -> Result<Outcome> {
    let start = Instant::now();
    let (mut high, mut grown_at) = (0, start);
    loop {
        let now = Instant::now();
        let resident = usage::resident()?;
        if resident > high + MEGABYTE || !is_stuck.load(Ordering::Acquire) {
            (high, grown_at) = (resident.max(high), now);
        }
        if now - grown_at >= AT_REST_FOR {
            break;
        }
        if now - start > PATIENCE {
            bail!("memory still grew after {PATIENCE:?}: {resident} B");
        }
        thread::sleep(LOOK_EVERY);
    }
    let mut outcome = Outcome::new(Ledger::new(0, 0).tally())?;
    outcome.extra.insert("resident".to_owned(), usage::resident()? as f64);
    outcome.extra.insert("resident_before".to_owned(), before as f64);
    Ok(outcome)
}
