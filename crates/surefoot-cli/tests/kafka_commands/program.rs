//! Runs the binary and looks at what it said.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// One finished run.
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            exit: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails unless the exit code is 0 and nobody was warned of anything.
    #[track_caller]
    pub(crate) fn quietly(self) -> String {
        assert_eq!((self.exit, self.stderr.as_str()), (0, ""), "{}", self.stdout);
        self.stdout
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(crate) fn json_lines(self) -> Vec<Value> {
        let text = self.quietly();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Exit code and messages, with what differs from run to run replaced.
    pub(crate) fn complaint(&self, names: &[(&str, &str)]) -> String {
        let mut text = format!("exit {}\n{}", self.exit, self.stderr);
        for (name, stands_for) in names {
            text = text.replace(name, stands_for);
        }
        text
    }
}

/// The open listener.
pub(crate) fn bootstrap() -> String {
    std::env::var("SUREFOOT_KAFKA").expect("SUREFOOT_KAFKA names the cluster")
}

/// The listener with SASL and ACLs.
pub(crate) fn secure_bootstrap() -> String {
    std::env::var("SUREFOOT_KAFKA_SECURE").expect("SUREFOOT_KAFKA_SECURE names its other listener")
}

/// A name that no other test and no other run of this test has.
pub(crate) fn fresh(purpose: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{purpose}-{}-{number}", std::process::id())
}

/// The binary with the open listener in its environment.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surefoot"));
    command
        .args(args)
        .env("SUREFOOT_BOOTSTRAP", bootstrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn surefoot(args: &[&str]) -> Ran {
    Ran::of(command(args).output().unwrap())
}

/// Starts the binary with a standard input that stays open.
pub(crate) fn start(args: &[&str]) -> Child {
    command(args).stdin(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn surefoot_reading(args: &[&str], input: &str) -> Ran {
    let mut child = start(args);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A command that refuses its input stops reading.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran::of(output)
}

/// A topic of its own.
pub(crate) fn topic(purpose: &str, options: &[&str]) -> String {
    let name = fresh(purpose);
    let mut args = vec!["topics", "create", &name];
    args.extend(options);
    surefoot(&args).quietly();
    name
}
