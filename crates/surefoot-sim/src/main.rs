//! Runs seeds of the simulation and prints what they added up to.
//!
//! `cargo xtask sim` builds this optimised and passes its arguments on.

use std::io::Write;
use std::process::ExitCode;

use surefoot_sim::{
    Failure, ReachTable, Reached, Report, StopAt, Tracing, What, run_seed, run_seeds,
};

const USAGE: &str = "\
usage: surefoot-sim [--seeds N] [--from S] [--until-violation]
       surefoot-sim --seed S [--trace]";

/// From how many seeds on a case that was never reached fails the run.
const REACH_FROM: u64 = 2_000;

/// How many failing seeds are shown.
const SHOWN: usize = 10;

#[derive(Debug)]
enum Command {
    Many { from: u64, count: u64, stop: StopAt },
    One { seed: u64, tracing: Tracing },
}

fn main() -> ExitCode {
    let command = match parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(problem) => {
            eprintln!("error: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut out = std::io::stdout().lock();
    let passed = match command {
        Command::One { seed, tracing } => one(&mut out, seed, tracing),
        Command::Many { from, count, stop } => {
            std::panic::set_hook(Box::new(|_| {}));
            many(&mut out, from, count, stop)
        }
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let (mut from, mut count, mut seed) = (0, 1_000, None);
    let (mut stop, mut tracing) = (StopAt::TheEnd, Tracing::Off);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let text = arguments.next().ok_or_else(|| format!("{argument} needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("{argument} needs a number, not `{text}`"))
        };
        match argument.as_str() {
            "--seeds" => count = number()?,
            "--from" => from = number()?,
            "--seed" => seed = Some(number()?),
            "--until-violation" => stop = StopAt::FirstViolation,
            "--trace" => tracing = Tracing::On,
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    Ok(match seed {
        Some(seed) => Command::One { seed, tracing },
        None => Command::Many { from, count, stop },
    })
}

fn one(out: &mut impl Write, seed: u64, tracing: Tracing) -> std::io::Result<bool> {
    let result = run_seed(seed, tracing);
    for violation in &result.violations {
        writeln!(out, "{violation}")?;
    }
    writeln!(
        out,
        "seed {seed}: {} violations, {} events, {} lines of history, {:.1} simulated seconds, \
         trace {:016x}",
        result.violations.len(),
        result.events,
        result.lines,
        result.simulated as f64 / 1e6,
        result.hash
    )?;
    Ok(result.violations.is_empty())
}

fn many(out: &mut impl Write, from: u64, count: u64, stop: StopAt) -> std::io::Result<bool> {
    let report = run_seeds(from, count, stop);
    print_reached(out, &report.reached)?;
    print_failures(out, &report.failures)?;
    let panics = report.failures.iter().filter(|failure| failure.is_panic()).count();
    let seconds = report.took.as_secs_f64();
    writeln!(
        out,
        "{} seeds from {from}: {} with violations, {panics} with panics; {:.1} simulated days, {} \
         events, {} lines of history judged; {seconds:.1} s, {:.0} seeds/s, trace {:016x}",
        report.seeds,
        report.failures.len() - panics,
        report.simulated as f64 / 86_400e6,
        report.events,
        report.lines,
        report.seeds as f64 / seconds,
        report.hash
    )?;
    let unreached = unreached(&report);
    for case in &unreached {
        writeln!(out, "never reached: {case}")?;
    }
    Ok(report.failures.is_empty() && unreached.is_empty())
}

fn unreached(report: &Report) -> Vec<Reached> {
    if report.seeds < REACH_FROM { Vec::new() } else { report.reached.unreached().collect() }
}

fn print_reached(out: &mut impl Write, reached: &ReachTable) -> std::io::Result<()> {
    for &case in Reached::ALL {
        writeln!(out, "{:>12}  {case}", reached.of(case))?;
    }
    Ok(())
}

fn print_failures(out: &mut impl Write, failures: &[Failure]) -> std::io::Result<()> {
    for failure in failures.iter().take(SHOWN) {
        writeln!(
            out,
            "seed {} failed; replay: cargo xtask sim --seed {} --trace",
            failure.seed, failure.seed
        )?;
        match &failure.what {
            What::Panic(text) => writeln!(out, "  panic: {text}")?,
            What::Violations(violations) => {
                for violation in violations.iter().take(3) {
                    writeln!(out, "  {violation}")?;
                }
            }
        }
    }
    if failures.len() > SHOWN {
        writeln!(out, "and {} more", failures.len() - SHOWN)?;
    }
    Ok(())
}
