//! `surefoot consume`: prints the records of a topic, as a member of a group or on its own.
//!
//! The two share their options and the form of their output, and nothing else: what a group read
//! is committed once it stands in the output, and without a group nothing is committed at all.

mod format;
mod group;
mod plain;
mod start;

use clap::{Args, ValueEnum};

use crate::args::Global;
use crate::cluster::Isolation;
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;
use format::Format;
use start::Start;

/// Arguments of `surefoot consume`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  surefoot consume orders --until-end
  surefoot consume orders --from 2026-01-31T08:00:00Z --json | jq .value
  surefoot consume orders --partition 3 --from 1042 --max 1
  surefoot consume orders --group billing --max 100

Without --group, nothing is committed. Ctrl-C ends a command that follows the topic, with exit
code 0; one that has an end to reach (--until-end, --max) exits with 130.

With --group, a record is committed once it was written. Ctrl-C and SIGTERM finish the record at
hand, commit, leave the group, and exit with 0; a second one ends the process at once.")]
pub(crate) struct Consume {
    /// The topic
    topic: String,

    /// Read as a member of this group, on from what it committed, and commit what was written
    #[arg(long, value_name = "GROUP", conflicts_with = "partition")]
    group: Option<String>,

    /// What --group promises about each record
    #[arg(long, value_enum, default_value = "at-least-once", requires = "group")]
    guarantee: Promise,

    /// beginning, end, an offset, a time (2026-01-31T08:00:00Z), or @ and milliseconds since 1970
    ///
    /// With --group, only for partitions of which the group has committed no offset; an offset that
    /// a partition does not have means the nearer end of its log.
    #[arg(long, value_name = "WHERE", default_value = "beginning")]
    from: Start,

    /// Only this partition; may be repeated
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Vec<i32>,

    /// Stop at what was the end of each partition when the command started
    ///
    /// With --group, when the group as a whole got there: what other members hold is waited for.
    #[arg(long)]
    until_end: bool,

    /// Stop after this many records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,

    /// How a record is written; --json is the same as --format json
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    /// Which records of transactions are seen
    #[arg(long, value_enum, default_value = "read_committed")]
    isolation: Isolation,
}

/// The value of `--guarantee`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Promise {
    /// Committed before it is written: a crash may lose a record, none is written twice
    AtMostOnce,
    /// Committed after it was written: a crash may repeat records, none is lost
    AtLeastOnce,
}

impl Consume {
    fn format(&self, global: &Global) -> Format {
        if global.json { Format::Json } else { self.format }
    }
}

pub(crate) fn run(global: &Global, args: &Consume, env: &mut Env) -> Result<Exit, Complaint> {
    match &args.group {
        Some(group) => group::run(global, args, group, env),
        None => plain::run(global, args, env),
    }
}
