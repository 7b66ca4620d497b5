//! `surefoot produce`: a file becomes records, and every record is accounted for.
//!
//! The file is read once, as it streams, so a bad line is met after earlier lines were sent. What
//! the command then owes is the truth about both: which line, and how much before it the brokers
//! have acknowledged. Nothing is reported as produced that was not acknowledged.

mod csv;
mod input;
mod ledger;
mod lines;
mod ndjson;
mod partitioner;
mod patient;
mod retention;
mod sender;
mod source;
mod summary;

use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{Global, Output};
use crate::cluster::{Cluster, Isolation, Property};
use crate::complaint::Complaint;
use crate::env::{Env, Terminal};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use input::{BadLine, Draft, EmptyKey, ReadError};
use retention::Retention;
use sender::{Sender, Sent};
use source::{Format, Source};
use summary::{Ending, Summary};

/// How many bad lines are shown when they are skipped; all are counted.
const SHOWN_BAD_LINES: u64 = 10;

/// Arguments of `surefoot produce`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  surefoot produce flights flights.csv --key tailnum --timestamp-column time_hour
  surefoot produce orders orders.ndjson --key id --header source=import
  surefoot consume orders --until-end --json | surefoot produce copy --format ndjson
  echo 'ann:1 book' | surefoot produce orders --key-separator :

A record counts as produced when all in-sync replicas have acknowledged it. Records with a key go to
the partition that Kafka's Java producer chooses.")]
pub(crate) struct Produce {
    /// The topic
    topic: String,

    /// The file; standard input without it or with -
    file: Option<PathBuf>,

    /// How the input is read; by default what the file's extension says, else lines
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// CSV column, or field of the JSON line, that is the key
    #[arg(long, value_name = "NAME")]
    key: Option<String>,

    /// Of CSV, what becomes the value: json (the row as an object), csv-row, or a column
    #[arg(long, value_name = "json|csv-row|COLUMN")]
    value: Option<String>,

    /// Of lines, what stands between key and value
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    key_separator: Option<String>,

    /// What becomes of an empty key
    #[arg(long, value_enum, default_value = "null")]
    empty_key: EmptyKey,

    /// Header of every record; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    header: Vec<Property>,

    /// CSV column or JSON field with the record's time: RFC 3339, or milliseconds since 1970
    #[arg(long, value_name = "NAME")]
    timestamp_column: Option<String>,

    /// Send everything to this partition
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,

    /// What to do at a line that is no record
    #[arg(long, value_enum, default_value = "stop")]
    bad_lines: BadLines,

    /// Begin with the record on this line, to go on after a stop
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    from_line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BadLines {
    /// Stop there; what was read before it is sent
    Stop,
    /// Leave them out, say so, and exit with 1
    Skip,
}

impl Produce {
    fn file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|path| *path != Path::new("-"))
    }
}

pub(crate) fn run(global: &Global, args: Produce, env: &mut Env) -> Result<Exit, Complaint> {
    let format = source::check(&args)?;
    let cluster = Cluster::of(global)?;
    cluster.refuse(sender::DECIDED)?;
    let progress = progress(env.terminal, global.output());
    let interrupt = Interrupt::watch()?;
    let stdin = mem::replace(&mut env.stdin, Box::new(io::empty()));
    let source = source::open(&args, format, stdin, &interrupt, &progress)?;
    let connection = cluster.connect(Isolation::ReadCommitted)?;
    let partitions = connection.partitions_with(&args.topic, args.partition.as_slice())?;
    let mut work = Work {
        args: &args,
        interrupt: &interrupt,
        progress: &progress,
        partitions: partitions.len(),
        sender: Sender::open(&cluster, &args.topic)?,
        retention: Retention::new(&cluster, &args.topic),
        skipped: 0,
    };
    let started = Instant::now();
    let name = source.name.clone();
    let ending = work.send_all(source, |line| env.remark(line));
    work.settle(cluster.timeout());
    progress.finish_and_clear();
    let summary = Summary::of(&args.topic, &work.sender, started.elapsed(), work.skipped);
    summary.tell(&name, ending, &cluster, global.output(), env)
}

/// One run of the command.
struct Work<'a> {
    args: &'a Produce,
    interrupt: &'a Interrupt,
    progress: &'a ProgressBar,
    partitions: usize,
    sender: Sender,
    retention: Retention<'a>,
    skipped: u64,
}

impl Work<'_> {
    /// Reads and sends until the input ends or something stops it.
    fn send_all(&mut self, mut source: Source<'_>, mut remark: impl FnMut(&str)) -> Ending {
        while let Some(next) = source.drafts.next() {
            // Looked at first: an interrupted reader reports an error too.
            if self.interrupt.came() {
                return Ending::Interrupted;
            }
            let bad = match next {
                Ok((line, _)) if line.0 < self.args.from_line => continue,
                Ok((line, draft)) => match self.complete(draft) {
                    Ok(draft) => {
                        if let Some(warning) = self.retention.warn(line, &draft) {
                            self.progress.suspend(|| remark(&warning));
                        }
                        match self.sender.send(line, &draft, || self.interrupt.came()) {
                            Sent::Yes if self.sender.ledger.failed() == 0 => continue,
                            Sent::No if self.interrupt.came() => return Ending::Interrupted,
                            Sent::Yes | Sent::No => return Ending::Failed,
                        }
                    }
                    Err(why) => BadLine { line, why },
                },
                Err(ReadError::Bad(bad)) if bad.line.0 < self.args.from_line => continue,
                Err(ReadError::Bad(bad)) => bad,
                Err(ReadError::Broken(error)) => return Ending::Unreadable(error.to_string()),
            };
            match self.args.bad_lines {
                BadLines::Stop => return Ending::BadLine(bad),
                BadLines::Skip => {
                    self.skipped += 1;
                    if self.skipped <= SHOWN_BAD_LINES {
                        let line = format!("skipped {}:{}: {}", source.name, bad.line, bad.why);
                        self.progress.suspend(|| remark(&line));
                    }
                }
            }
        }
        Ending::Complete
    }

    /// Adds what the command line says of every record.
    fn complete(&self, mut draft: Draft) -> Result<Draft, String> {
        let fixed = self.args.header.iter();
        draft.headers.extend(
            fixed.map(|header| (header.key.clone(), Some(header.value.clone().into_bytes()))),
        );
        draft.partition = self.args.partition.or(draft.partition);
        if let Some(partition) = draft.partition
            && usize::try_from(partition).map_or(true, |partition| partition >= self.partitions)
        {
            return Err(format!(
                "{}[{partition}] does not exist: the topic has partitions 0 to {}",
                self.args.topic,
                self.partitions.saturating_sub(1)
            ));
        }
        if draft.timestamp == Some(0) {
            return Err("the time is 0, which the Kafka client takes for \"now\"".to_owned());
        }
        Ok(draft)
    }

    /// Waits for the last acknowledgements. After Ctrl-C no longer than for any answer.
    fn settle(&mut self, timeout: Duration) {
        let mut asked_at = None;
        let interrupt = self.interrupt;
        self.sender.settle(|| {
            if asked_at.is_none() && interrupt.came() {
                asked_at = Some(Instant::now());
            }
            asked_at.is_some_and(|at| at.elapsed() > timeout)
        });
    }
}

fn progress(terminal: Terminal, output: Output) -> ProgressBar {
    let target = match (terminal, output) {
        (Terminal::Interactive, Output::Text) => ProgressDrawTarget::stderr(),
        _ => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template(
        "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
    )
    .expect("the template names fields that exist");
    ProgressBar::with_draw_target(None, target).with_style(style)
}
