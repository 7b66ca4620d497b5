//! One way to consume a topic, run in a process of its own.
//!
//! Memory that one arm allocated and threads that it left would be the next arm's figures, so the
//! program starts itself anew for each. The arm gets what to do as JSON, answers in JSON, and the
//! starter judges the answer: count, checksum, order, and what the broker stores.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::broker;
use crate::ledger::{self, Tally};
use crate::topic::Topic;
use crate::usage;

mod poll;
mod queue;
mod stuck;
mod surefoot;
mod tasks;
mod work;

/// What consumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Arm {
    /// `BaseConsumer::poll` of `rdkafka`, one record a call.
    Poll,
    /// The bare partition-queue reader.
    Queue,
    /// Surefoot's `run_batch`.
    Batch,
    /// Surefoot's `run`, ordered by key.
    Keyed,
    /// `BaseConsumer::poll` that feeds one task for each key, with work in them.
    Tasks,
    /// Surefoot's `run`, ordered by key, with work in the handler.
    KeyedWork,
    /// Surefoot's `run` with a handler that never ends.
    Stuck,
    /// `BaseConsumer` that nobody polls any more after its first record.
    StuckPoll,
}

/// All that an arm needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ArmSpec {
    pub(crate) arm: Arm,
    pub(crate) bootstrap: String,
    pub(crate) group: String,
    pub(crate) topic: String,
    pub(crate) records: u64,
    pub(crate) keys: u32,
    pub(crate) client: Vec<(String, String)>,
    /// How many handlers may run.
    pub(crate) in_flight: usize,
    /// How long a handler with work sleeps.
    pub(crate) work: Duration,
}

/// What an arm did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) count: u64,
    pub(crate) checksum: u64,
    pub(crate) violations: u64,
    /// From the first record to the last.
    pub(crate) wall: Duration,
    /// CPU time of the whole process, from its start to the last record.
    pub(crate) cpu: Duration,
    pub(crate) peak_resident: u64,
    /// What only this arm knows.
    pub(crate) extra: BTreeMap<String, f64>,
}

impl Arm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Poll => "rdkafka BaseConsumer::poll",
            Self::Queue => "bare partition-queue reader",
            Self::Batch => "surefoot run_batch",
            Self::Keyed => "surefoot run, key order",
            Self::Tasks => "rdkafka poll, a task a key",
            Self::KeyedWork => "surefoot run, key order",
            Self::Stuck => "surefoot run, stuck handler",
            Self::StuckPoll => "rdkafka, librdkafka's defaults, not polled",
        }
    }
}

impl ArmSpec {
    pub(crate) fn new(
        arm: Arm,
        bootstrap: &str,
        topic: &Topic,
        client: &[(String, String)],
    ) -> Self {
        Self {
            arm,
            bootstrap: bootstrap.to_owned(),
            group: unused_group(),
            topic: topic.name(),
            records: topic.records,
            keys: topic.keys,
            client: client.to_vec(),
            in_flight: 256,
            work: Duration::ZERO,
        }
    }

    /// Consumes, in this process.
    pub(crate) fn run(&self) -> Result<Outcome> {
        match self.arm {
            Arm::Poll => poll::run(self),
            Arm::Queue => queue::run(self),
            Arm::Batch => surefoot::run_batch(self),
            Arm::Keyed => surefoot::run_keyed(self),
            Arm::Tasks => tasks::run(self),
            Arm::KeyedWork => surefoot::run_keyed_work(self),
            Arm::Stuck => stuck::run(self),
            Arm::StuckPoll => stuck::run_poll(self),
        }
    }

    /// Consumes, in a process of its own.
    pub(crate) fn start(&self) -> Result<Outcome> {
        let program = std::env::current_exe()?;
        let output = Command::new(program)
            .arg("--arm")
            .arg(serde_json::to_string(self)?)
            .stderr(Stdio::inherit())
            .output()?;
        let name = self.arm.name();
        ensure!(output.status.success(), "{name} ended with {}", output.status);
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{name} answered nothing that can be read"))
    }

    /// Consumes in a process of its own and accepts the result only if nothing is missing.
    pub(crate) fn measure(&self) -> Result<Outcome> {
        let outcome = self.start()?;
        let name = self.arm.name();
        let Outcome { count, checksum, violations, .. } = outcome;
        ensure!(
            (count, violations) == (self.records, 0),
            "{name} consumed {count} of {} records, {violations} of them out of order",
            self.records
        );
        ensure!(
            checksum == ledger::expected_checksum(self.records),
            "{name} consumed as many records as there are, but not those"
        );
        broker::ensure_committed_to_end(&self.bootstrap, &self.group, &self.topic)
            .with_context(|| format!("{name} did not commit what it consumed"))?;
        Ok(outcome)
    }
}

impl Outcome {
    fn new(tally: Tally) -> Result<Self> {
        Ok(Self {
            count: tally.count,
            checksum: tally.checksum,
            violations: tally.violations,
            wall: tally.wall,
            cpu: tally.cpu,
            peak_resident: usage::peak_resident()?,
            extra: BTreeMap::new(),
        })
    }

    /// CPU time a record, in nanoseconds.
    pub(crate) fn cpu_nanos(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e9 / self.count as f64
    }

    /// Records a second, from the first record to the last.
    pub(crate) fn rate(&self) -> f64 {
        self.count as f64 / self.wall.as_secs_f64()
    }
}

fn unused_group() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let nth = LAST.fetch_add(1, Ordering::Relaxed);
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
    format!("bench-{since}-{nth}")
}
