//! A built simulation, run as a process, and what it prints.
//!
//! A line below a failed seed begins with the predicate that the judge found broken, or with
//! `harness` or `panic`, which the judge has no part in.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// A simulation that was built.
#[derive(Debug)]
pub(super) struct Simulation {
    pub(super) program: PathBuf,
}

/// A history that the judge refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) seed: u64,
    /// What was broken, each once.
    pub(super) predicates: Vec<String>,
    /// The first violation in full.
    pub(super) violation: String,
}

/// What came of looking through seeds.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) sighting: Option<Sighting>,
    pub(super) panics: u64,
}

/// A seed that failed, for whatever reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) seed: u64,
    pub(super) what: String,
}

impl Simulation {
    /// The first of so many seeds that fails for any reason.
    pub(super) fn first_complaint(&self, seeds: u64) -> Result<Option<Complaint>> {
        let printed = self.run(&["--seeds", &seeds.to_string()])?;
        let first = failures(&printed).into_iter().next();
        Ok(first.map(|(seed, lines)| Complaint {
            seed,
            what: lines.first().copied().unwrap_or("without a word").to_owned(),
        }))
    }

    /// Looks through so many seeds for a history that the judge refuses.
    pub(super) fn look(&self, seeds: u64) -> Result<Looked> {
        let (mut from, mut panics) = (0, 0);
        while from < seeds {
            let (first, count) = (from.to_string(), (seeds - from).to_string());
            let printed = self.run(&["--from", &first, "--seeds", &count, "--until-violation"])?;
            let failed = failures(&printed);
            if let Some(sighting) = failed.iter().find_map(|(seed, lines)| sighting(*seed, lines)) {
                return Ok(Looked { sighting: Some(sighting), panics });
            }
            // It stopped for a complaint of the harness alone, or not at all.
            let Some((last, _)) = failed.last() else { break };
            from = last + 1;
            panics += failed.iter().filter(|(_, lines)| is_panic(lines)).count() as u64;
        }
        Ok(Looked { sighting: None, panics })
    }

    /// What the seed alone leads to, if it is the same violation to the letter. The judge shows all
    /// that it found then.
    pub(super) fn see_again(&self, sighting: &Sighting) -> Result<Option<Sighting>> {
        let printed = self.run(&["--seed", &sighting.seed.to_string()])?;
        let lines: Vec<_> = printed.lines().collect();
        let again = self::sighting(sighting.seed, &lines);
        Ok(again.filter(|again| again.violation == sighting.violation))
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().context("the simulation does not start")?;
        anyhow::ensure!(output.status.code().is_some(), "the simulation died: {}", output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The seeds that failed in order, each with what was wrong.
fn failures(printed: &str) -> Vec<(u64, Vec<&str>)> {
    let mut failures: Vec<(u64, Vec<&str>)> = Vec::new();
    let mut inside = false;
    for line in printed.lines() {
        let seed = line.strip_prefix("seed ").and_then(|rest| rest.split_once(" failed;"));
        if let Some(seed) = seed.and_then(|(seed, _)| seed.parse().ok()) {
            failures.push((seed, Vec::new()));
            inside = true;
        } else if let (true, Some(what)) = (inside, line.strip_prefix("  ")) {
            failures.last_mut().expect("inside one").1.push(what);
        } else {
            inside = false;
        }
    }
    failures
}

fn sighting(seed: u64, lines: &[&str]) -> Option<Sighting> {
    let mut predicates: Vec<String> = Vec::new();
    let judged: Vec<_> = lines.iter().filter_map(|line| Some((predicate(line)?, line))).collect();
    for (predicate, _) in &judged {
        if !predicates.iter().any(|known| known == predicate) {
            predicates.push((*predicate).to_owned());
        }
    }
    let (_, violation) = judged.first()?;
    Some(Sighting { seed, predicates, violation: (**violation).to_owned() })
}

/// `P7` of `P7: …`.
fn predicate(line: &str) -> Option<&str> {
    let (predicate, _) = line.split_once(": ")?;
    let number = predicate.strip_prefix('P')?;
    number.parse::<u32>().is_ok().then_some(predicate)
}

fn is_panic(lines: &[&str]) -> bool {
    lines.first().is_some_and(|line| line.starts_with("panic: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
           4  fault: request lost
seed 3 failed; replay: cargo xtask sim --seed 3 --trace
  panic: two commits of one partition at once
seed 9 failed; replay: cargo xtask sim --seed 9 --trace
  harness: does not come to rest
seed 12 failed; replay: cargo xtask sim --seed 12 --trace
  P1: lost orders[0]@3 [1.0 a-1: commit_sent]
  P40: lag 2
  harness: does not come to rest
20 seeds from 0: 2 with violations, 1 with panics
";

    #[test]
    fn what_the_judge_found_is_told_from_panics_and_complaints() {
        let failures = failures(PRINTED);
        let seeds: Vec<_> = failures.iter().map(|(seed, _)| *seed).collect();
        assert_eq!(seeds, [3, 9, 12]);
        assert!(is_panic(&failures[0].1));
        let sightings = failures.iter().map(|(seed, lines)| sighting(*seed, lines));
        let sightings: Vec<_> = sightings.collect();
        assert_eq!(sightings[..2], [None, None]);
        let found = Sighting {
            seed: 12,
            predicates: vec!["P1".to_owned(), "P40".to_owned()],
            violation: "P1: lost orders[0]@3 [1.0 a-1: commit_sent]".to_owned(),
        };
        assert_eq!(sightings[2], Some(found));
    }
}
