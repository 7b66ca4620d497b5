//! `cargo xtask plants`: does the judge catch what it is there for?
//!
//! Each patch in `plants/` breaks the engine as somebody might. It is applied to a copy, and the
//! simulation must run into a history that the judge refuses, and into the same one again from the
//! seed alone. An assertion of the engine that trips, or a complaint of the harness, is good to
//! have and does not count: a bug of tomorrow breaks nobody's assertion. The copy without a patch
//! comes first, because a judge that refuses everything catches everything.

use std::fmt;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

mod patch;
mod simulation;
mod workshop;

use patch::Patch;
use simulation::Sighting;
use workshop::Workshop;

/// Which plants, and how far to look for them.
#[derive(Debug, Args)]
pub struct PlantsCommand {
    /// Names of plants, as the files in `plants/` are called without `.patch`; all if absent
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How many seeds a plant has to show itself
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    seeds: u64,
}

/// What became of one plant.
enum Fate {
    Caught(Sighting),
    /// How many seeds panicked instead.
    Escaped(u64),
    /// The seed alone did not lead to the same.
    NotAgain(Sighting),
    /// It could not be tried.
    Broken(anyhow::Error),
}

impl PlantsCommand {
    /// Tries them; exit code 1 when one escapes, or when there is something to catch without any.
    ///
    /// # Errors
    ///
    /// When there is nothing to try, or the unpatched copy is not clean.
    #[expect(clippy::print_stdout, reason = "the table is the result")]
    pub fn run(self) -> Result<ExitCode> {
        let patches = self.choose(Patch::all(&crate::workspace().join("plants"))?)?;
        let workshop = Workshop::open()?;
        let began = Instant::now();
        eprintln!("building the simulation as it is");
        self.run_unpatched(&workshop)?;
        let width = patches.iter().map(|patch| patch.name.len()).max().unwrap_or(0);
        println!(
            "  {:<width$}  {:<18}  {:<16}  {:>5}  seconds",
            "plant", "breaks", "caught", "seed"
        );
        let (mut passed, mut failed) = (0, 0);
        for patch in &patches {
            let began = Instant::now();
            let fate = self.run_planted(&workshop, patch).unwrap_or_else(Fate::Broken);
            let seconds = began.elapsed().as_secs_f64();
            match fate {
                Fate::Caught(_) => passed += 1,
                _ => failed += 1,
            }
            println!("  {:<width$}  {:<18}  {fate}  {seconds:>7.1}", patch.name, patch.breaks);
            fate.explain(patch, self.seeds);
        }
        println!("{:.0} s", began.elapsed().as_secs_f64());
        println!("{passed} passed, {failed} failed");
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn choose(&self, all: Vec<Patch>) -> Result<Vec<Patch>> {
        for name in &self.names {
            if !all.iter().any(|patch| patch.name == *name) {
                let known: Vec<_> = all.iter().map(|patch| patch.name.as_str()).collect();
                bail!("no plant `{name}`: there is {}", known.join(", "));
            }
        }
        let chosen = |patch: &Patch| self.names.is_empty() || self.names.contains(&patch.name);
        let chosen: Vec<_> = all.into_iter().filter(chosen).collect();
        if chosen.is_empty() {
            bail!("no plants: plants/ holds no patch");
        }
        Ok(chosen)
    }

    fn run_unpatched(&self, workshop: &Workshop) -> Result<()> {
        workshop.restore()?;
        let simulation = workshop.build().context("the copy without a plant does not build")?;
        if let Some(complaint) = simulation.first_complaint(self.seeds)? {
            bail!(
                "without any plant, seed {} fails: {}\nuntil `cargo xtask sim --seeds {}` is \
                 clean, \
                 nothing that is caught would mean anything",
                complaint.seed,
                complaint.what,
                self.seeds
            );
        }
        Ok(())
    }

    fn run_planted(&self, workshop: &Workshop, patch: &Patch) -> Result<Fate> {
        workshop.restore()?;
        workshop.apply(patch)?;
        let simulation = workshop.build().with_context(|| {
            format!("{} does not compile: renew it for the source of today", patch.path.display())
        })?;
        let looked = simulation.look(self.seeds)?;
        let Some(sighting) = looked.sighting else {
            return Ok(Fate::Escaped(looked.panics));
        };
        Ok(match simulation.see_again(&sighting)? {
            None => Fate::NotAgain(sighting),
            Some(whole) => Fate::Caught(whole),
        })
    }
}

impl Fate {
    /// What a row has no room for.
    #[expect(clippy::print_stdout, reason = "it belongs to the table")]
    fn explain(&self, patch: &Patch, seeds: u64) {
        match self {
            Self::Caught(_) => {}
            Self::Escaped(0) => {
                println!("    {}: no judgement in {seeds} seeds", patch.title);
            }
            Self::Escaped(panics) => println!(
                "    {}: no judgement in {seeds} seeds; {panics} panicked, which catches nothing: \
                 the patch must take the assertion away too",
                patch.title
            ),
            Self::NotAgain(sighting) => println!(
                "    {}: seed {} did not break the same again: {}",
                patch.title, sighting.seed, sighting.violation
            ),
            Self::Broken(error) => println!("    {error:#}"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught(sighting) => {
                write!(f, "{:<16}  {:>5}", sighting.predicates.join(" "), sighting.seed)
            }
            Self::Escaped(_) => write!(f, "{:<16}  {:>5}", "ESCAPED", ""),
            Self::NotAgain(sighting) => write!(f, "{:<16}  {:>5}", "NOT AGAIN", sighting.seed),
            Self::Broken(_) => write!(f, "{:<16}  {:>5}", "BROKEN PATCH", ""),
        }
    }
}
