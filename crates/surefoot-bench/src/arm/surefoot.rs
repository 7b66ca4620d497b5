//! Surefoot's own arms: batches, single records by key, and handlers with work in them.
//!
//! Everything is at its default, at-least-once with a commit a second, except that the client gets
//! the options that every arm gets. The handlers touch records as the baselines do.

use std::num::NonZeroUsize;

use anyhow::Result;
use surefoot::{Batch, Budget, Builder, Consumer, Delivery};

use super::work::Work;
use super::{ArmSpec, Outcome};
use crate::ledger::Ledger;

pub(super) fn run_batch(spec: &ArmSpec) -> Result<Outcome> {
    let consumer = builder(spec).build()?;
    let handle = consumer.handle();
    let ledger = Ledger::new(spec.records, spec.keys);
    let handler = async |batch: Batch| {
        for record in &batch {
            if ledger.touch(record.payload()) {
                handle.stop();
            }
        }
        Ok(())
    };
    runtime()?.block_on(consumer.run_batch(handler))?;
    Outcome::new(ledger.tally())
}

pub(super) fn run_keyed(spec: &ArmSpec) -> Result<Outcome> {
    let consumer = builder(spec).build()?;
    let handle = consumer.handle();
    let ledger = Ledger::new(spec.records, spec.keys);
    let handler = async |delivery: Delivery| {
        if ledger.touch(delivery.payload()) {
            handle.stop();
        }
        Ok(())
    };
    runtime()?.block_on(consumer.run(handler))?;
    Outcome::new(ledger.tally())
}

pub(super) fn run_keyed_work(spec: &ArmSpec) -> Result<Outcome> {
    let consumer = builder(spec).build()?;
    let handle = consumer.handle();
    let work = Work::new(spec);
    let handler = async |delivery: Delivery| {
        if work.handle(delivery.payload()).await {
            handle.stop();
        }
        Ok(())
    };
    runtime()?.block_on(consumer.run(handler))?;
    work.outcome()
}

pub(super) fn builder(spec: &ArmSpec) -> Builder {
    let in_flight = NonZeroUsize::new(spec.in_flight).unwrap_or(NonZeroUsize::MIN);
    Consumer::builder(&spec.bootstrap, &spec.group)
        .topics([&spec.topic])
        .budget(Budget { max_in_flight: in_flight, ..Budget::default() })
        .options(spec.client.clone())
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
