//! The crew's own history: what was done to whom, and when.
//!
//! It is read beside the members' histories and put in order by time, so a line must not lie about
//! before and after: a launch is written before it can have an effect, a kill or a stop when the
//! process can write nothing more, the end of a stop before the process may go on.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::json;

/// An open `harness.ndjson`.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
}

impl Ledger {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::options().append(true).create_new(true).open(path);
        Ok(Self { file: file.with_context(|| format!("cannot make {}", path.display()))? })
    }

    pub(super) fn spawned(&mut self, member: &str, incarnation: u32) -> Result<()> {
        self.write("spawned", member, incarnation)
    }

    pub(super) fn killed(&mut self, member: &str, incarnation: u32) -> Result<()> {
        self.write("killed", member, incarnation)
    }

    pub(super) fn stopped(&mut self, member: &str, incarnation: u32) -> Result<()> {
        self.write("stopped", member, incarnation)
    }

    pub(super) fn continued(&mut self, member: &str, incarnation: u32) -> Result<()> {
        self.write("continued", member, incarnation)
    }

    pub(super) fn healed(&mut self) -> Result<()> {
        self.append(&json!({ "at": micros_since_epoch(), "event": "healed" }))
    }

    fn write(&mut self, event: &str, member: &str, incarnation: u32) -> Result<()> {
        let at = micros_since_epoch();
        self.append(&json!({
            "at": at, "event": event, "member": member, "incarnation": incarnation,
        }))
    }

    fn append(&mut self, line: &serde_json::Value) -> Result<()> {
        self.file.write_all(format!("{line}\n").as_bytes()).context("cannot write harness.ndjson")
    }
}

fn micros_since_epoch() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
