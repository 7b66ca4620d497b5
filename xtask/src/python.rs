//! Python with another Kafka client, for programs that count what Surefoot counts.
//!
//! An oracle that shares a client or a parser with what it judges shares its mistakes. So the
//! counting is done in another language on a client that was written from Kafka's protocol alone
//! (kafka-python; librdkafka is not in it). It lives in a virtual environment in the cache: the
//! system's own packages are neither used nor changed.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

use crate::cache;

const CLIENT: &str = "kafka-python==3.0.12";

const REMEDY: &str = "install python 3 with its venv module \
    (debian and ubuntu: `apt-get install python3-venv`)";

/// A program that the harness brings along.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// What messages call it.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// A Python that can import the Kafka client.
#[derive(Clone, Debug)]
pub struct Python {
    program: PathBuf,
}

impl Python {
    /// Takes the virtual environment from the cache, or makes it.
    ///
    /// # Errors
    ///
    /// When Python 3 or its venv module is missing, or pip cannot fetch the client.
    pub fn find() -> Result<Self> {
        let place = cache::directory()?.join("python").join(CLIENT);
        cache::once(&place, |part| {
            let mut make = Command::new("python3");
            make.args(["-m", "venv"]).arg(part);
            run(&mut make)
                .with_context(|| format!("cannot make a python environment: {REMEDY}"))?;
            eprintln!("fetching {CLIENT} with pip");
            let mut install = Command::new(part.join("bin/python"));
            install.args([
                "-m",
                "pip",
                "--disable-pip-version-check",
                "install",
                "--quiet",
                CLIENT,
            ]);
            run(&mut install).with_context(|| format!("pip cannot fetch {CLIENT}"))?;
            Ok(())
        })?;
        Ok(Self { program: place.join("bin/python") })
    }

    /// A command that runs `script`; the caller adds its arguments.
    pub fn command(&self, script: Script) -> Command {
        let mut command = self.interpreter();
        command.args(["-c", script.text]).stdin(Stdio::null());
        command
    }

    /// Runs `script` to its end and reads the one JSON value that it prints.
    pub fn json<T: DeserializeOwned>(&self, script: Script, arguments: &[&str]) -> Result<T> {
        let output = run(self.command(script).args(arguments))
            .with_context(|| format!("{} failed", script.name))?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            let text = String::from_utf8_lossy(&output.stdout);
            format!("{} printed something unexpected: {text}", script.name)
        })
    }

    /// The bare interpreter.
    pub(crate) fn interpreter(&self) -> Command {
        Command::new(&self.program)
    }
}

/// Runs a command to its end; one that fails is an error with the last lines that it wrote.
pub fn run(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{program}` does not start"))?;
    if !output.status.success() {
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let tail = &lines[lines.len().saturating_sub(8)..];
        bail!("`{program}` ended with {}: {}", output.status, tail.join("\n    "));
    }
    Ok(output)
}
