//! `surefoot check`: reads histories and dumps, judges them, prints the verdict.
//!
//! The judging is `surefoot-check`'s. What is decided here is which promise the run is held to:
//! what its members said they were told to do, unless the command line says otherwise.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use surefoot_check::history::Guarantee;
use surefoot_check::{Completeness, ForeignCommits, Promise, judge, load};

use crate::args::{Global, Output};
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;

/// Arguments of `surefoot check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  surefoot topics dump orders > run/orders.ndjson
  surefoot offsets dump billing > run/offsets.ndjson
  surefoot check run/

Exit codes: 0 no violation, 1 violations, 2 the input was refused.
The format is described in docs/history.md.")]
pub(crate) struct Check {
    /// Histories and dumps; of a directory every *.ndjson
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Judge against this guarantee instead of the one that the members were told to keep
    #[arg(long, value_enum)]
    guarantee: Option<GuaranteeName>,

    /// The run was ended before everything was handled: judge only what was committed
    #[arg(long)]
    unfinished: bool,

    /// Another program commits for the group too and writes no history
    #[arg(long)]
    foreign_commits: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GuaranteeName {
    /// Nothing is handled twice
    AtMostOnce,
    /// Nothing is lost
    AtLeastOnce,
    /// The application commits as it likes; only what always holds is judged
    Manual,
}

impl From<GuaranteeName> for Guarantee {
    fn from(name: GuaranteeName) -> Self {
        match name {
            GuaranteeName::AtMostOnce => Self::AtMostOnce,
            GuaranteeName::AtLeastOnce => Self::AtLeastOnce,
            GuaranteeName::Manual => Self::Manual,
        }
    }
}

pub(crate) fn run(global: &Global, args: &Check, env: &mut Env) -> Result<Exit, Complaint> {
    // Its messages name the file, the line and what to do.
    let run = load(&args.files).map_err(|error| Complaint::refused(error.to_string()))?;
    let mut promise = Promise::of(&run)
        .ok_or_else(|| Complaint::refused("no file is the history of a member"))?;
    if let Some(name) = args.guarantee {
        promise.guarantee = name.into();
    }
    if args.unfinished {
        promise.completeness = Completeness::OnlyCommitted;
    }
    if args.foreign_commits {
        promise.foreign_commits = ForeignCommits::Allowed;
    }
    let verdict = judge(&run, &promise);
    match global.output() {
        Output::Json => env.print_json(&verdict)?,
        Output::Text => env.print(&verdict.to_string())?,
    }
    Ok(if verdict.passed { Exit::Success } else { Exit::Negative })
}
