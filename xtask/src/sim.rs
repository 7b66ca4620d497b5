//! `cargo xtask sim`: seeds of the simulation, optimised.
//!
//! What is simulated lives in a crate of its own that links no Kafka client; this only builds it
//! and hands the arguments on. A failing seed prints the command that replays it, which is this
//! one.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

/// Which seeds to run, and how.
#[derive(Debug, Args)]
pub struct Sim {
    /// How many seeds; from 2,000 on, a hard case that none of them reached fails the run
    #[arg(long, value_name = "N", default_value_t = 1_000, conflicts_with = "seed")]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "S", default_value_t = 0, conflicts_with = "seed")]
    from: u64,
    /// Stop at the first seed whose history the judge refuses
    #[arg(long, conflicts_with = "seed")]
    until_violation: bool,
    /// Run this seed alone, and print everything that is wrong with it
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Print everything that happens
    #[arg(long, requires = "seed")]
    trace: bool,
}

impl Sim {
    /// Runs them; the exit code is the simulation's own.
    ///
    /// # Errors
    ///
    /// When cargo does not start, or the simulation was killed.
    pub fn run(self) -> Result<ExitCode> {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["run", "--release", "--quiet", "--package", "surefoot-sim", "--"])
            .args(self.arguments())
            .current_dir(crate::workspace());
        let status = command.status().context("cargo does not start")?;
        let code = status.code().with_context(|| format!("the simulation ended with {status}"))?;
        Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
    }

    /// As the simulation's own command line spells them.
    fn arguments(&self) -> Vec<String> {
        let option = |name: &str, value: u64| [name.to_owned(), value.to_string()];
        let mut arguments = match self.seed {
            Some(seed) => option("--seed", seed).to_vec(),
            None => [option("--seeds", self.seeds), option("--from", self.from)].concat(),
        };
        arguments.extend(self.until_violation.then(|| "--until-violation".to_owned()));
        arguments.extend(self.trace.then(|| "--trace".to_owned()));
        arguments
    }
}
