//! Why files are refused as a history. Every message ends with what to do.
//!
//! Refused is not violated: nothing is known about the guarantee. The reasons are told apart by
//! what is wrong with the evidence, not by what the reader was doing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::history::IncarnationName;

/// Why files are refused as a history.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file or directory cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No file is the history of a member.
    #[error(
        "no history of a member: give the files `<member>-<incarnation>.ndjson` that the workers \
         wrote, or their directory"
    )]
    NoMember,
    /// The file begins with something that begins neither a history nor a dump.
    #[error(
        "{}:1: {why}: a member's history begins with `begin`, a dump with its header, any other \
         file holds only events from outside (docs/history.md)",
        file.display()
    )]
    FirstLine {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A line cannot be read, and no kill excuses it.
    #[error(
        "{}:{line}: {why}: the history is damaged, record the run again",
        file.display()
    )]
    Line {
        /// The file.
        file: PathBuf,
        /// Which line, from 1.
        line: u32,
        /// What is wrong.
        why: String,
    },
    /// The last line is torn although the process ended by itself.
    #[error(
        "{}:{line}: the last line is torn, and {name} was not killed: record the run again, or \
         add the `killed` line if it was",
        file.display()
    )]
    Torn {
        /// The file.
        file: PathBuf,
        /// Which line, from 1.
        line: u32,
        /// Whose history it is.
        name: IncarnationName,
    },
    /// An incarnation has no file.
    #[error("the history of {name} is missing, and {why}: give its file too")]
    MissingIncarnation {
        /// Which.
        name: IncarnationName,
        /// How it is known to have existed.
        why: &'static str,
    },
    /// Two files are histories of one incarnation.
    #[error(
        "{}: {} is a history of {name} too: give the files of one run only",
        file.display(),
        other.display()
    )]
    TwoFiles {
        /// Which incarnation.
        name: IncarnationName,
        /// One file.
        file: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// Members were told different things.
    #[error("{}: {what}: give the files of one run only", file.display())]
    Disagree {
        /// The file that differs from those before.
        file: PathBuf,
        /// In what.
        what: String,
    },
    /// A partition has no dump.
    #[error(
        "no dump of {topic}[{partition}], which a member was assigned: dump the topic after the \
         run and give the file (docs/history.md, section 5)"
    )]
    MissingTopicDump {
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
    },
    /// The group's offsets have no dump.
    #[error(
        "no dump of the offsets of group {group}: dump `__consumer_offsets` after the run and \
         give the file (docs/history.md, section 5)"
    )]
    MissingOffsetsDump {
        /// The group.
        group: Arc<str>,
    },
    /// A dump is cut short, or its lines do not belong to it.
    #[error("{}:{line}: {why}: dump it again", file.display())]
    Dump {
        /// The file.
        file: PathBuf,
        /// Which line, from 1.
        line: u32,
        /// What is wrong.
        why: String,
    },
    /// Two dumps are of one thing.
    #[error(
        "{}: {} has a dump of {what} too: give the files of one run only",
        file.display(),
        other.display()
    )]
    TwoDumps {
        /// One file.
        file: PathBuf,
        /// The other.
        other: PathBuf,
        /// Of what.
        what: String,
    },
}
