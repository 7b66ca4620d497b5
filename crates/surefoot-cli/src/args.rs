//! The command line as clap sees it: the options of every command, and the nouns.
//!
//! Each command defines its own arguments beside its code; this file only puts them together and
//! turns clap's refusals into the same shape as every other complaint.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ErrorKind};
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::check::Check;
use crate::cluster::Property;
use crate::complaint::Complaint;
use crate::completions::Completions;
use crate::consume::Consume;
use crate::env::Env;
use crate::exit::Exit;
use crate::instant::parse_duration;
use crate::offsets::Offsets;
use crate::produce::Produce;
use crate::topics::Topics;

/// Kafka consumption that never loses its place
#[derive(Debug, Parser)]
#[command(
    name = "surefoot",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Exit codes:
    0  done
    1  the answer is no: a guarantee was violated, lines were skipped
    2  the command line or an input was refused
    3  the cluster was not reached, or it refused
    4  stopped half-way: some records were not acknowledged, or not committed
  130  interrupted"
)]
pub(crate) struct Surefoot {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Brokers to ask first, host:port,… [env: SUREFOOT_BOOTSTRAP]
    #[arg(short, long, global = true, value_name = "HOST:PORT,…")]
    pub(crate) bootstrap_server: Option<String>,

    /// librdkafka option, passed through; may be repeated, wins over --config
    #[arg(short = 'X', global = true, value_name = "KEY=VALUE")]
    pub(crate) options: Vec<Property>,

    /// File of librdkafka options, one key=value a line
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// How long to wait for the cluster's answer, such as 500ms, 10s, 2m
    #[arg(long, global = true, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = parse_duration)]
    pub(crate) timeout: Duration,

    /// JSON instead of text, errors included
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Show logs, the Kafka client's too; twice for all of them
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The form of results and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create, list, describe, dump topics
    #[command(subcommand)]
    Topics(Topics),
    /// Write records to a topic from a file or standard input
    Produce(Box<Produce>),
    /// Read records of a topic
    Consume(Box<Consume>),
    /// Read what a group committed
    #[command(subcommand)]
    Offsets(Offsets),
    /// Judge recorded histories against a delivery guarantee
    Check(Check),
    /// Write a completion script for a shell
    Completions(Completions),
}

impl Global {
    pub(crate) fn output(&self) -> Output {
        if self.json { Output::Json } else { Output::Text }
    }
}

/// Says what clap has to say: help and versions on standard output, refusals in our form.
pub(crate) fn explain(refused: &clap::Error, env: &mut Env) -> Exit {
    match refused.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Help that nobody reads to the end is no failure.
            let _ = env.print(&refused.to_string());
            Exit::Success
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            env.remark(refused.to_string().trim_end());
            Exit::Refused
        }
        _ => complaint_of(refused).tell(Output::Text, env),
    }
}

fn complaint_of(refused: &clap::Error) -> Complaint {
    let text = refused.to_string();
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let message = first
        .strip_prefix("error: ")
        .unwrap_or(first)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let complaint = Complaint::refused(message);
    let suggestion =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
            .into_iter()
            .find_map(|kind| refused.get(kind));
    match suggestion {
        Some(suggestion) => complaint.hint(format!("did you mean '{suggestion}'?")),
        None => complaint.hint("see --help"),
    }
}
