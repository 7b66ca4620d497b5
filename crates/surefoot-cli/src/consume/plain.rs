//! Reading without a group: nothing is joined and nothing is committed, so any topic can be looked
//! at at any time without disturbing whoever works on it.

use std::io::Write;
use std::time::Duration;

use crate::args::Global;
use crate::cluster::{Cluster, Connection, LogReader, Next, READER_DECIDED, Span};
use crate::complaint::Complaint;
use crate::consume::Consume;
use crate::consume::format::Line;
use crate::env::Env;
use crate::exit::Exit;
use crate::interrupt::Interrupt;

/// How long to wait for a record before output is flushed and signals are looked at.
const GLANCE: Duration = Duration::from_millis(100);

pub(super) fn run(global: &Global, args: &Consume, env: &mut Env) -> Result<Exit, Complaint> {
    let cluster = Cluster::of(global)?;
    cluster.refuse(READER_DECIDED)?;
    let interrupt = Interrupt::watch()?;
    let connection = cluster.connect(args.isolation)?;
    let spans = spans(&connection, args)?;
    let format = args.format(global);
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
                    .write(&mut env.stdout, &Line::from(&record))
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
