//! `surefoot consume`: prints the records of a topic.
//!
//! It reads without a group and commits nothing, so it can be pointed at any topic at any time
//! without disturbing whoever works on it.

mod format;
mod start;

use std::io::Write;
use std::time::Duration;

use clap::Args;

use crate::args::Global;
use crate::cluster::{Cluster, Connection, Isolation, LogReader, Next, READER_DECIDED, Span};
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use format::Format;
use start::Start;

/// How long to wait for a record before output is flushed and signals are looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Arguments of `surefoot consume`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  surefoot consume orders --until-end
  surefoot consume orders --from 2026-01-31T08:00:00Z --json | jq .value
  surefoot consume orders --partition 3 --from 1042 --max 1

Ctrl-C ends a command that follows the topic, with exit code 0; one that has an end to reach
(--until-end, --max) exits with 130.")]
pub(crate) struct Consume {
    /// The topic
    topic: String,

    /// beginning, end, an offset, a time (2026-01-31T08:00:00Z), or @ and milliseconds since 1970
    #[arg(long, value_name = "WHERE", default_value = "beginning")]
    from: Start,

    /// Only this partition; may be repeated
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Vec<i32>,

    /// Stop at what was the end of each partition when the command started
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

pub(crate) fn run(global: &Global, args: Consume, env: &mut Env) -> Result<Exit, Complaint> {
    let cluster = Cluster::of(global)?;
    cluster.refuse(READER_DECIDED)?;
    let interrupt = Interrupt::watch()?;
    let connection = cluster.connect(args.isolation)?;
    let spans = spans(&connection, &args)?;
    let format = if global.json { Format::Json } else { args.format };
    let mut reader = LogReader::open(&cluster, &args.topic, args.isolation, &spans)?;
    let mut printed = 0;
    loop {
        if interrupt.came() {
            let unmet = args.until_end || args.max.is_some();
            return Ok(if unmet { Exit::Interrupted } else { Exit::Success });
        }
        match reader.next(GLANCE)? {
            Next::Record(record) => {
                format
                    .write(&mut env.stdout, &record)
                    .map_err(|error| Complaint::output(&error))?;
                printed += 1;
                if args.max == Some(printed) {
                    break;
                }
            }
            Next::Nothing => flush(env)?,
            Next::Done => break,
        }
    }
    flush(env)?;
    env.done()
}

fn flush(env: &mut Env) -> Result<(), Complaint> {
    env.stdout.flush().map_err(|error| Complaint::output(&error))
}

fn spans(connection: &Connection, args: &Consume) -> Result<Vec<Span>, Complaint> {
    let known = connection.partitions_with(&args.topic, &args.partition)?;
    let chosen: Vec<i32> = known
        .into_iter()
        .filter(|id| args.partition.is_empty() || args.partition.contains(id))
        .collect();
    let bounds = connection.bounds(&args.topic, &chosen)?;
    let starts = args.from.resolve(connection, &args.topic, &bounds)?;
    let spans = bounds.iter().zip(starts).map(|(partition, start)| Span {
        partition: partition.id,
        start,
        end: args.until_end.then_some(partition.end),
    });
    Ok(spans.collect())
}
