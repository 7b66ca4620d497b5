//! `cargo xtask flights`: the first thing to run, from nothing to two tables.
//!
//! Everything that takes long says so on standard error before it begins; the tables, or one JSON
//! object, are all that goes to standard output. Evidence stays under `target/flights`.

use std::fs::{self, File};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Flights, Guarantee, Outcome, Rows, Table};
use crate::kafka::{ClusterOptions, ScratchCluster};
use crate::programs::{Profile, Programs};
use crate::python::Python;

/// What to run.
#[derive(Debug, Args)]
pub struct FlightsCommand {
    /// How many of the 336,776 rows, or `all`
    #[arg(long, default_value = "30000")]
    rows: Rows,
    /// Which guarantee the members run under
    #[arg(long, value_enum, default_value = "both")]
    guarantee: Which,
    /// How many times a member is killed with SIGKILL, under each guarantee
    #[arg(long, value_name = "N", default_value_t = 6)]
    kills: u32,
    /// A cluster that runs already, instead of one that is started and thrown away
    #[arg(long, value_name = "HOST:PORT,…")]
    bootstrap: Option<String>,
    /// One JSON object instead of tables
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Both,
    AtLeastOnce,
    AtMostOnce,
}

impl FlightsCommand {
    /// Runs it; a broken promise is exit code 1.
    #[expect(clippy::print_stdout, reason = "the tables are the result")]
    pub fn run(self) -> Result<ExitCode> {
        // Whatever is missing on this machine is missed before the build, which takes minutes.
        let python = Python::find()?;
        eprintln!("building surefoot and the example");
        let programs = Programs::build(Profile::Release)?;
        let began = Instant::now();
        let outcomes = self.fly(&python, &programs)?;
        let seconds = began.elapsed().as_secs();
        let passed = outcomes.iter().all(|it| it.complaints.is_empty());
        if self.json {
            println!("{}", json!({ "passed": passed, "seconds": seconds, "runs": outcomes }));
        } else {
            println!("{}", Table(&outcomes));
            for outcome in &outcomes {
                for complaint in &outcome.complaints {
                    println!("{}: {complaint}", outcome.guarantee);
                }
            }
            let verdict = if passed { "every promise was kept" } else { "a promise was broken" };
            println!("{verdict}; {seconds} s; evidence in target/flights");
        }
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn fly(&self, python: &Python, programs: &Programs) -> Result<Vec<Outcome>> {
        let directory = crate::workspace().join("target/flights");
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let only = File::create(directory.join("lock"))?;
        only.try_lock().context("another flights run is under way in this checkout")?;
        let scratch = match &self.bootstrap {
            Some(_) => None,
            None => {
                eprintln!("starting apache kafka");
                Some(ScratchCluster::up(&ClusterOptions::default())?)
            }
        };
        let bootstrap = match (&self.bootstrap, &scratch) {
            (Some(bootstrap), _) => bootstrap.clone(),
            (None, Some(cluster)) => cluster.bootstrap(),
            (None, None) => unreachable!("without one, a cluster was started"),
        };
        let flights = Flights {
            programs,
            python,
            bootstrap: &bootstrap,
            topic: &self.topic()?,
            directory: &directory.join("histories"),
        };
        let csv = directory.join("flights.csv");
        self.rows.write(python, &csv)?;
        eprintln!("producing {} flights, keyed by tail number", self.rows);
        flights.produce(&csv)?;
        let run = |&guarantee: &Guarantee| {
            eprintln!("consuming {}, with {} kills", guarantee.name(), self.kills);
            flights.consume(guarantee, self.kills)
        };
        self.guarantees().iter().map(run).collect()
    }

    /// On a cluster that lives longer, each run needs a topic of its own.
    fn topic(&self) -> Result<String> {
        if self.bootstrap.is_none() {
            return Ok("flights".to_owned());
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
        Ok(format!("flights-{}", since.as_millis()))
    }

    fn guarantees(&self) -> &'static [Guarantee] {
        match self.guarantee {
            Which::Both => &[Guarantee::AtLeastOnce, Guarantee::AtMostOnce],
            Which::AtLeastOnce => &[Guarantee::AtLeastOnce],
            Which::AtMostOnce => &[Guarantee::AtMostOnce],
        }
    }
}
