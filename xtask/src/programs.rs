//! Builds the workspace's own programs and finds them, for those who run them as processes.
//!
//! What is killed with SIGKILL must be a process and not a thread, and the harness links no Kafka
//! client, so workers and the command line are other packages' binaries. Cargo alone knows where
//! it puts them (target directory, profile, examples), so cargo is asked: its messages name each
//! file. When nothing changed this takes half a second.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How the programs are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As `cargo test` compiles, so that tests wait for no second build of the C client.
    Dev,
    /// As users run them.
    Release,
}

/// Programs of this workspace, built.
#[derive(Clone, Debug)]
pub struct Programs {
    surefoot: PathBuf,
    flights: PathBuf,
    worker: PathBuf,
}

/// The part of cargo's messages that names a program.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Programs {
    /// Builds what changed; cargo's own progress goes to standard error.
    ///
    /// # Errors
    ///
    /// When something does not compile.
    pub fn build(profile: Profile) -> Result<Self> {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["build", "--quiet", "--message-format=json-render-diagnostics"])
            .args(["--package=surefoot-cli", "--bin=surefoot"])
            .args(["--package=surefoot", "--example=flights", "--example=worker"])
            .current_dir(crate::workspace())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        if profile == Profile::Release {
            command.arg("--release");
        }
        let output = command.output().context("cargo does not start")?;
        if !output.status.success() {
            bail!("cargo could not build the programs that this needs: see above");
        }
        let built = programs_in(&String::from_utf8_lossy(&output.stdout));
        let find = |name: &str| {
            let found = built.iter().find(|(built, _)| built == name);
            found.map(|(_, path)| path.clone()).with_context(|| format!("cargo built no `{name}`"))
        };
        Ok(Self { surefoot: find("surefoot")?, flights: find("flights")?, worker: find("worker")? })
    }

    /// The command line.
    pub fn surefoot(&self) -> &Path {
        &self.surefoot
    }

    /// The example that the README runs.
    pub fn flights(&self) -> &Path {
        &self.flights
    }

    /// The worker of the tests, with knobs.
    pub fn worker(&self) -> &Path {
        &self.worker
    }
}

fn programs_in(messages: &str) -> Vec<(String, PathBuf)> {
    let program = |line: &str| {
        let message: Message = serde_json::from_str(line).ok()?;
        Some((message.target?.name, message.executable?))
    };
    messages.lines().filter_map(program).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_among_libraries_and_other_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"surefoot"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"surefoot"},"executable":"/t/debug/surefoot"}
{"reason":"compiler-artifact","target":{"name":"worker"},"executable":"/t/debug/examples/worker"}
{"reason":"build-finished","success":true}
"#;
        let expected = [("surefoot", "/t/debug/surefoot"), ("worker", "/t/debug/examples/worker")];
        let found = programs_in(messages);
        let found: Vec<_> = found.iter().map(|(n, p)| (n.as_str(), p.to_str().unwrap())).collect();
        assert_eq!(found, expected);
    }
}
