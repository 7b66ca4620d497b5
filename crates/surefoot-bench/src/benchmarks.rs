//! The benchmarks, by name.
//!
//! Each says what it measures, runs its arms in turns, and judges what came out against the target
//! that the project set itself. None of them is a test: a figure depends on the machine, and a
//! missed target is something to explain.

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::report::Section;
use crate::topic::Topic;

mod consume;
mod engine;
mod memory;
mod parallel;
mod tracker;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Benchmark {
    /// A completion in the offset tracker, against an ordered set
    Tracker,
    /// The engine alone, in memory: where the time goes
    Engine,
    /// Records of 100 B, against rdkafka's poll and the bare reader
    #[value(name = "consume-100b")]
    Consume100B,
    /// Records of 1 KiB
    #[value(name = "consume-1kib")]
    Consume1KiB,
    /// Records of 100 B, compressed with lz4
    #[value(name = "consume-lz4")]
    ConsumeLz4,
    /// A thousand keys with 10 ms of work a record, against the ideal
    Parallel,
    /// Resident memory while nothing is handled
    Memory,
}

/// What every benchmark is told.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) bootstrap: Option<String>,
    pub(crate) rounds: Option<usize>,
    pub(crate) quick: bool,
    pub(crate) client: Vec<(String, String)>,
}

impl Setup {
    /// Rounds of each arm.
    fn rounds(&self, usual: usize) -> usize {
        self.rounds.unwrap_or(if self.quick { 2 } else { usual }).max(1)
    }

    fn bootstrap(&self) -> Result<&str> {
        self.bootstrap.as_deref().context("it needs a broker: `cargo xtask bench` starts one")
    }

    /// The topic, filled.
    fn topic(&self, topic: Topic) -> Result<Topic> {
        let topic = if self.quick { topic.tenth() } else { topic };
        topic.seed(self.bootstrap()?)?;
        Ok(topic)
    }

    /// The client options in one line.
    fn client_text(&self) -> String {
        let options: Vec<_> =
            self.client.iter().map(|(key, value)| format!("{key}={value}")).collect();
        options.join(" ")
    }
}

impl Benchmark {
    pub(crate) const ALL: &[Self] = &[
        Self::Tracker,
        Self::Engine,
        Self::Consume100B,
        Self::Consume1KiB,
        Self::ConsumeLz4,
        Self::Parallel,
        Self::Memory,
    ];

    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |it| it.get_name().to_owned())
    }

    /// What it measures.
    pub(crate) fn about(self) -> String {
        let value = self.to_possible_value();
        value.and_then(|it| Some(it.get_help()?.to_string())).unwrap_or_default()
    }

    pub(crate) fn run(self, setup: &Setup) -> Result<Section> {
        let section = match self {
            Self::Tracker => Ok(tracker::run(setup)),
            Self::Engine => Ok(engine::run(setup)),
            Self::Consume100B => consume::run(setup, &consume::RECORDS_OF_100B),
            Self::Consume1KiB => consume::run(setup, &consume::RECORDS_OF_1KIB),
            Self::ConsumeLz4 => consume::run(setup, &consume::RECORDS_IN_LZ4),
            Self::Parallel => parallel::run(setup),
            Self::Memory => memory::run(setup),
        };
        section.with_context(|| self.name())
    }
}
