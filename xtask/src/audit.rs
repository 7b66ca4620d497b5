//! The evidence of a run and the two who judge it.
//!
//! Histories alone prove nothing: the topic says what there was to handle, and the group's entries
//! of `__consumer_offsets` say what was really stored. Both are dumped beside the histories, so
//! that one directory is the whole case. Then `surefoot check` judges it, and a program in another
//! language on another client counts the same, from the brokers and the histories themselves.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::programs::Programs;
use crate::python::{Python, Script};

const COUNT: Script = Script { name: "count.py", text: include_str!("../scripts/count.py") };

/// A run that is over, or a topic before it.
#[derive(Clone, Debug)]
pub struct Audit<'a> {
    /// The command line that dumps and judges.
    pub programs: &'a Programs,
    /// Where the cluster is.
    pub bootstrap: String,
    /// The topic that was consumed.
    pub topic: &'a str,
    /// The group that consumed it.
    pub group: &'a str,
    /// Where the histories lie.
    pub directory: &'a Path,
}

/// What `surefoot check` says.
#[derive(Clone, Debug, Deserialize)]
pub struct Verdict {
    /// Whether nothing was violated.
    pub passed: bool,
    /// What happened, in numbers.
    pub counts: Counts,
    /// The violations that are shown.
    pub violations: Vec<Violation>,
}

/// What happened, in numbers; each is explained where the judge counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the judge explains its own numbers")]
pub struct Counts {
    pub produced: u64,
    pub handled: u64,
    pub skipped: u64,
    pub lost: u64,
    pub unhandled: u64,
    pub repeated: u64,
    pub out_of_order: u64,
    pub commits_applied: u64,
    pub commits_moved_back: u64,
    pub kills: u64,
    pub rebalances: u64,
    pub lost_terms: u64,
    pub longest_gap_ms: u64,
}

/// One violation.
#[derive(Clone, Debug, Deserialize)]
pub struct Violation {
    /// Which predicate.
    pub predicate: String,
    /// How it was broken.
    pub message: String,
}

/// What the independent program counts; it explains its numbers itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "count.py explains its own numbers")]
pub struct Recount {
    pub produced: u64,
    pub handled: u64,
    pub started: u64,
    pub lost: u64,
    pub repeated: u64,
    pub repeated_committed: u64,
    pub out_of_order: u64,
    pub started_early: u64,
    pub lag: u64,
    pub kills: u64,
    pub window: u64,
}

impl Audit<'_> {
    /// The end of each partition's log.
    pub fn ends(&self) -> Result<BTreeMap<i32, i64>> {
        let dump = self.directory.join("topic.ndjson");
        self.dump_topic(&dump)?;
        let text = fs::read_to_string(&dump)?;
        let headers = text.lines().filter(|line| line.contains("\"dump\":\"topic\""));
        headers
            .map(|line| {
                let header: Header = serde_json::from_str(line)?;
                Ok((header.partition, header.end))
            })
            .collect()
    }

    /// Dumps the topic and the group's offsets and judges the run by itself.
    ///
    /// A run that violates its guarantee is an `Ok`; evidence that proves nothing is an error.
    pub fn judge(&self, more: &[&str]) -> Result<Verdict> {
        self.dump_topic(&self.directory.join("topic.ndjson"))?;
        self.dump_offsets(&self.directory.join("offsets.ndjson"))?;
        let mut check = Command::new(self.programs.surefoot());
        check.args(["check", "--json"]).args(more).arg(self.directory).stdin(Stdio::null());
        let output = check.output().context("surefoot does not start")?;
        match output.status.code() {
            Some(0 | 1) => serde_json::from_slice(&output.stdout).with_context(|| {
                let text = String::from_utf8_lossy(&output.stdout);
                format!("surefoot check printed something unexpected: {text}")
            }),
            _ => bail!(
                "surefoot check refuses {}: {}{}",
                self.directory.display(),
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr).trim_end()
            ),
        }
    }

    /// Counts the run with the independent program.
    pub fn recount(&self, python: &Python) -> Result<Recount> {
        let directory = self.directory.to_string_lossy();
        python.json(COUNT, &[&self.bootstrap, self.topic, self.group, &directory])
    }

    fn dump_topic(&self, to: &Path) -> Result<()> {
        self.dump(&["topics", "dump", self.topic], to)
    }

    fn dump_offsets(&self, to: &Path) -> Result<()> {
        self.dump(&["offsets", "dump", self.group], to)
    }

    fn dump(&self, arguments: &[&str], to: &Path) -> Result<()> {
        let file = File::create(to).with_context(|| format!("cannot make {}", to.display()))?;
        surefoot(self.programs, &self.bootstrap, arguments, file.into()).map(drop)
    }
}

impl Verdict {
    /// The violations, one a line.
    pub fn complaints(&self) -> String {
        let lines = self.violations.iter().map(|it| format!("{}: {}", it.predicate, it.message));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Runs the command line against a cluster; an end with another code than 0 is an error.
pub fn surefoot(
    programs: &Programs,
    bootstrap: &str,
    arguments: &[&str],
    stdout: Stdio,
) -> Result<String> {
    let program: PathBuf = programs.surefoot().to_path_buf();
    let output = Command::new(program)
        .args(arguments)
        .args(["--bootstrap-server", bootstrap])
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .context("surefoot does not start")?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("`surefoot {}` ended with {}: {}", arguments.join(" "), output.status, reason.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The part of a dump's header that says where the log ends.
#[derive(Deserialize)]
struct Header {
    partition: i32,
    end: i64,
}
