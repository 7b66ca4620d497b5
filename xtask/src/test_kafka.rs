//! `cargo xtask test-kafka`: every test that needs Apache Kafka, with what they need started.
//!
//! Suites of three packages, and their needs differ: the library's and the command line's share one
//! cluster, named by the environment; the harness's own start and hurt clusters of their own. On
//! two cores they run one after another, and within a suite one test at a time, because several
//! bound how long something may take. The exception is the longest test, which waits almost all of
//! its time: it runs beside the others.

use std::env;
use std::fs::File;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::kafka::{ClusterOptions, Listeners, ScratchCluster, User};
use crate::programs::{Profile, Programs};
use crate::python::Python;

/// The test that waits for minutes and does nothing.
const PATIENT: &str = "kafka_long_handler";

/// Which tests to run.
#[derive(Debug, Args)]
pub struct TestKafkaCommand {
    /// Only tests whose name contains this
    filter: Option<String>,
}

/// One `cargo test`.
struct Suite {
    name: &'static str,
    arguments: &'static [&'static str],
}

const SHARED: [Suite; 2] = [
    Suite { name: "surefoot", arguments: &["--package=surefoot", "--features=kafka-tests"] },
    Suite {
        name: "surefoot-cli",
        arguments: &["--package=surefoot-cli", "--features=kafka-tests"],
    },
];

const OWN: [&str; 7] = [
    "kafka_bad_input",
    "kafka_shutdown",
    "kafka_interop",
    "kafka_zombies",
    "kafka_rebalance",
    "kafka_flights",
    PATIENT,
];

impl TestKafkaCommand {
    /// Runs them; exit code 1 when any failed.
    pub fn run(self) -> Result<ExitCode> {
        // Whatever is missing on this machine is missed before anything is built.
        Python::find()?;
        self.build()?;
        Programs::build(Profile::Dev)?;
        let mut results = Vec::new();
        let mut patient = self.begin_patient()?;
        {
            eprintln!("starting apache kafka");
            let options =
                ClusterOptions { listeners: Listeners::OpenAndSecure, ..ClusterOptions::default() };
            let cluster = ScratchCluster::up(&options)?;
            for suite in SHARED {
                let mut command = self.cargo(suite.arguments);
                command
                    .env("SUREFOOT_KAFKA", cluster.bootstrap())
                    .env("SUREFOOT_KAFKA_SECURE", cluster.secure_bootstrap()?)
                    .env("SUREFOOT_KAFKA_USER", User::Alice.name())
                    .env("SUREFOOT_KAFKA_PASSWORD", User::Alice.password());
                results.push(timed(suite.name, || Ok(command.status()?.success()))?);
            }
        }
        for name in OWN.into_iter().filter(|&name| name != PATIENT) {
            let test = format!("--test={name}");
            let mut command = self.cargo(&["--package=xtask", "--features=kafka-tests", &test]);
            results.push(timed(name, || Ok(command.status()?.success()))?);
        }
        results.push(timed(PATIENT, || patient.finish())?);
        for (name, seconds, passed) in &results {
            let verdict = if *passed { "passed" } else { "FAILED" };
            eprintln!("  {name:<20} {verdict} {seconds:>5} s");
        }
        let passed = results.iter().all(|(_, _, passed)| *passed);
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Builds all suites first, so that the time of a suite is its tests' own.
    fn build(&self) -> Result<()> {
        eprintln!("building");
        for arguments in SHARED.iter().map(|suite| suite.arguments).chain([XTASK]) {
            let mut command = cargo();
            command.args(["test", "--quiet", "--no-run"]).args(arguments);
            if !command.status().context("cargo does not start")?.success() {
                bail!("the tests do not compile: see above");
            }
        }
        Ok(())
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.args(["test", "--no-fail-fast"]).args(arguments).arg("--");
        command.arg("--test-threads=1").args(&self.filter).stdin(Stdio::null());
        command
    }

    fn begin_patient(&self) -> Result<Patient> {
        let directory = crate::workspace().join("target/kafka-tests");
        std::fs::create_dir_all(&directory)?;
        let report = directory.join(format!("{PATIENT}.txt"));
        let file = File::create(&report)?;
        let test = format!("--test={PATIENT}");
        let mut command = self.cargo(&["--package=xtask", "--features=kafka-tests", &test]);
        command.stdout(file.try_clone()?).stderr(file);
        Ok(Patient { child: command.spawn().context("cargo does not start")?, report })
    }
}

const XTASK: &[&str] = &["--package=xtask", "--features=kafka-tests", "--test=kafka_*"];

/// The test that runs beside the others; what it prints is shown when they are done.
struct Patient {
    child: Child,
    report: std::path::PathBuf,
}

impl Patient {
    fn finish(&mut self) -> Result<bool> {
        let status = self.child.wait()?;
        eprint!("{}", std::fs::read_to_string(&self.report)?);
        Ok(status.success())
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn timed(
    name: &'static str,
    run: impl FnOnce() -> Result<bool>,
) -> Result<(&'static str, u64, bool)> {
    eprintln!("== {name}");
    let began = Instant::now();
    let passed = run().with_context(|| format!("{name} does not run"))?;
    Ok((name, began.elapsed().as_secs(), passed))
}

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::workspace());
    command
}
