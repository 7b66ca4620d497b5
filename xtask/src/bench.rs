//! Starts the benchmarks, and an Apache Kafka for those that consume.
//!
//! What is measured lives in a crate of its own, because it links Kafka clients; this only builds
//! it optimised, gives it a broker that nobody else uses, and gets out of the way.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::kafka::{ClusterOptions, ScratchCluster};

// These work in memory.
const WITHOUT_BROKER: [&str; 2] = ["tracker", "engine"];

/// What to measure.
#[derive(Debug, Args)]
pub struct Bench {
    /// Names of benchmarks: tracker, engine, consume-100b, consume-1kib, consume-lz4, parallel,
    /// memory; all of them if absent
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Use this broker; topics are made there and stay
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// Rounds of each arm
    #[arg(long)]
    rounds: Option<u32>,
    /// A tenth of the records, to see that it works
    #[arg(long)]
    quick: bool,
    /// Set a client option for every arm that consumes
    #[arg(long, value_name = "KEY=VALUE")]
    client: Vec<String>,
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
}

impl Bench {
    /// Measures.
    pub fn run(self) -> Result<ExitCode> {
        self.build()?;
        let needs_broker = self.names.is_empty()
            || !self.names.iter().all(|name| WITHOUT_BROKER.contains(&name.as_str()));
        let cluster = match needs_broker && self.bootstrap.is_none() {
            true => Some(ScratchCluster::up(&ClusterOptions::default())?),
            false => None,
        };
        let bootstrap =
            cluster.as_ref().map(|it| it.bootstrap()).or_else(|| self.bootstrap.clone());
        let mut command = cargo("run");
        command.arg("--").args(&self.names);
        if let Some(bootstrap) = bootstrap {
            command.arg("--bootstrap").arg(bootstrap);
        }
        if let Some(rounds) = self.rounds {
            command.arg("--rounds").arg(rounds.to_string());
        }
        for option in &self.client {
            command.arg("--client").arg(option);
        }
        command.args(self.quick.then_some("--quick")).args(self.json.then_some("--json"));
        let status = command.status().context("cargo does not start")?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Before a broker takes its share of the machine.
    fn build(&self) -> Result<()> {
        let status = cargo("build").status().context("cargo does not start")?;
        anyhow::ensure!(status.success(), "the benchmarks cannot be built");
        Ok(())
    }
}

fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([command, "--release", "--quiet", "--package", "surefoot-bench"]);
    cargo
}
