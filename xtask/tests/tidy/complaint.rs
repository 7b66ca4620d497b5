//! What a check answers with: a place and what to do about it.
//!
//! A complaint that only names the rule sends its reader to look the rule up; so its message is
//! the remedy. The order is by place, so that a reader works through a file from its top.

use std::fmt;

/// One breach of one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Complaint {
    path: String,
    line: usize,
    message: String,
}

impl Complaint {
    /// At `line`, counted from 1; a complaint about the whole file is at line 1.
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Compares the lines complained about; every message must say what to do.
#[cfg(test)]
#[track_caller]
pub(crate) fn assert_lines(complaints: &[Complaint], lines: &[usize]) {
    let found: Vec<usize> = complaints.iter().map(|it| it.line).collect();
    assert_eq!(found, lines, "{complaints:?}");
    assert!(complaints.iter().all(|it| it.message.contains(": ")), "no remedy: {complaints:?}");
}
