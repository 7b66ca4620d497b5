//! What went wrong, in one line, and what to change, in the next.
//!
//! A complaint is made where the error is understood; nothing above it adds words. Its message is
//! lower case with the coordinates in it, its hint names the setting, and its exit code is part of
//! it.

use std::io;

use crate::args::Output;
use crate::env::Env;
use crate::exit::Exit;

/// An error of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    exit: Exit,
    message: String,
    hint: Option<String>,
    silent: bool,
}

impl Complaint {
    /// The command line or an input cannot be accepted.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// The cluster was not reached, or it said no.
    pub(crate) fn cluster(message: impl Into<String>) -> Self {
        Self::new(Exit::Cluster, message)
    }

    /// Standard output failed. A reader that has seen enough is no error.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                silent: true,
                ..Self::new(Exit::Success, "the reader of the output went away")
            };
        }
        Self::refused(format!("cannot write to standard output: {error}"))
    }

    /// A file that a command was given cannot be read.
    pub(crate) fn file(path: &std::path::Path, error: &io::Error) -> Self {
        Self::refused(format!("cannot read {}: {error}", path.display()))
    }

    /// The work was done in part.
    pub(crate) fn partial(message: impl Into<String>) -> Self {
        Self::new(Exit::Partial, message)
    }

    /// Somebody asked to stop before the end.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Exit::Interrupted, message)
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, silent: false }
    }

    /// Adds the line that says what to change.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the file that the complaint is about.
    pub(crate) fn within(mut self, file: &str) -> Self {
        self.message = format!("{file}: {}", self.message);
        self
    }

    /// Whether this only ends the command and nothing is to be said.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Writes it to standard error and gives the exit code.
    pub(crate) fn tell(self, output: Output, env: &mut Env) -> Exit {
        if self.is_silent() {
            return self.exit;
        }
        match output {
            Output::Text => {
                env.remark(&format!("error: {}", self.message));
                if let Some(hint) = &self.hint {
                    env.remark(&format!("hint: {hint}"));
                }
            }
            Output::Json => {
                let line = serde_json::json!({
                    "error": self.message, "hint": self.hint, "exit": self.exit.code(),
                });
                env.remark(&line.to_string());
            }
        }
        self.exit
    }
}
