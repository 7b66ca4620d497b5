//! What a command may touch of the process: its streams, and whether a person watches.

use std::io::{Read, Write};

use crate::complaint::Complaint;
use crate::exit::Exit;

/// The streams of one run.
pub struct Env {
    /// Where `produce` reads when no file is named.
    pub stdin: Box<dyn Read + Send>,
    /// Results.
    pub stdout: Box<dyn Write>,
    /// Errors, hints, summaries.
    pub stderr: Box<dyn Write>,
    /// Whether progress is drawn.
    pub terminal: Terminal,
}

/// Whether standard error is a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// A person watches: long work shows its progress.
    Interactive,
    /// A file, a pipe, a test: only lines that stay true.
    Plain,
}

impl Env {
    /// Writes a result. A reader that went away (`| head`) ends the command quietly.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Complaint> {
        self.stdout
            .write_all(text.as_bytes())
            .and_then(|()| self.stdout.flush())
            .map_err(|error| Complaint::output(&error))
    }

    /// Writes a remark for people. That standard error is closed is no reason to stop.
    pub(crate) fn remark(&mut self, line: &str) {
        // Nobody is left to be told.
        let _ = writeln!(self.stderr, "{line}");
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn print_json(&mut self, value: &impl serde::Serialize) -> Result<(), Complaint> {
        let mut line = serde_json::to_string(value).expect("results are plain structs and maps");
        line.push('\n');
        self.print(&line)
    }

    /// Ends a command that did what it was asked.
    pub(crate) fn done(&self) -> Result<Exit, Complaint> {
        Ok(Exit::Success)
    }
}
