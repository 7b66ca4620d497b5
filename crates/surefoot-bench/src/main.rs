//! Measures Surefoot beside its baselines, for `cargo xtask bench`.
//!
//! A figure alone says what the machine did that minute. So every benchmark runs its baseline in
//! the same run with the same client settings, one arm after the other and back again, and what
//! counts is the ratio. An arm that consumes runs in a process of its own, so that its CPU time
//! and its memory are its own, and its result is accepted only if every record came exactly once
//! and the broker has its offsets.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::arm::ArmSpec;
use crate::benchmarks::{Benchmark, Setup};
use crate::report::Report;

mod arm;
mod benchmarks;
mod broker;
mod environment;
mod ledger;
mod native;
mod record;
mod report;
mod rounds;
mod settings;
mod spread;
mod topic;
mod usage;

#[derive(Parser)]
#[command(name = "surefoot-bench", about = "Measures Surefoot beside its baselines")]
struct Arguments {
    /// What to measure; everything if absent
    #[arg(value_name = "NAME")]
    names: Vec<Benchmark>,
    /// A Kafka broker for those that consume; topics are made there and stay
    #[arg(long, value_name = "HOST:PORT", env = "SUREFOOT_KAFKA")]
    bootstrap: Option<String>,
    /// Rounds of each arm; slow benchmarks make fewer unless this is given
    #[arg(long)]
    rounds: Option<usize>,
    /// A tenth of the records, to see that it works; the figures mean nothing
    #[arg(long)]
    quick: bool,
    /// Set a client option for every arm that consumes
    #[arg(long, value_name = "KEY=VALUE")]
    client: Vec<settings::ClientOption>,
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
    /// Run one arm in this process and print its outcome
    #[arg(long, hide = true, value_name = "JSON")]
    arm: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.arm {
        Some(text) => run_arm(text).map(|()| ExitCode::SUCCESS),
        None => run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let all = if arguments.names.is_empty() { Benchmark::ALL } else { &arguments.names };
    let setup = Setup {
        bootstrap: arguments.bootstrap.clone(),
        rounds: arguments.rounds,
        quick: arguments.quick,
        client: settings::with(&arguments.client),
    };
    let mut report = Report::new(environment::probe()?);
    if !arguments.json {
        report.print_environment();
    }
    for benchmark in all {
        eprintln!("measuring {}: {}", benchmark.name(), benchmark.about());
        let section = benchmark.run(&setup)?;
        if !arguments.json {
            section.print();
        }
        report.sections.push(section);
    }
    report.after = Some(environment::probe()?);
    if arguments.json {
        report.print_json()?
    } else {
        report.print_after()
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
fn run_arm(text: &str) -> Result<()> {
    let spec: ArmSpec = serde_json::from_str(text)?;
    let outcome = spec.run()?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}
