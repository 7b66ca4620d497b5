//! Reading as a member of a group: on from what it committed, committing what was written.
//!
//! A record is done when it stands in the output, flushed, and not when it was read: a full disk or
//! a reader that went away must not cost a record. So the write is the handler, one record at a
//! time, and its error is the record's. With `--max` one record runs at a time over all partitions,
//! because one that was started beside the last would be committed ahead under at-most-once, or
//! written and not wanted.

mod complaints;
mod ends;

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::time::Duration;

use surefoot::{
    Budget, Builder, Consumer, Delivery, Failure, Guarantee, Handle, IsolationLevel,
    ProcessingOrder, Record, RunError, StartPolicy,
};

use crate::args::Global;
use crate::cluster::{Cluster, Decided, Isolation};
use crate::complaint::Complaint;
use crate::consume::format::{Format, Line};
use crate::consume::{Consume, Promise};
use crate::env::Env;
use crate::exit::Exit;
use ends::Ends;

/// The library's own drain deadline, which a shorter --timeout shortens.
const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// Options that this command has words of its own for.
const DECIDED: &[Decided] = &[
    Decided { option: "group.id", instead: "--group names the group" },
    Decided { option: "isolation.level", instead: "`surefoot consume` takes --isolation" },
    Decided { option: "auto.offset.reset", instead: "`surefoot consume` takes --from" },
];

pub(super) fn run(
    global: &Global,
    args: &Consume,
    group: &str,
    env: &mut Env,
) -> Result<Exit, Complaint> {
    let cluster = Cluster::of(global)?;
    cluster.refuse(DECIDED)?;
    let consumer =
        builder(&cluster, args, group).build().map_err(|error| complaints::of_build(&error))?;
    // The cluster is asked first, so that what is wrong with it is said as every command says it.
    let connection = cluster.connect(args.isolation)?;
    let partitions = connection.partitions(&args.topic)?;
    let ends = match args.until_end {
        true => Some(Ends::of(&args.topic, &connection.bounds(&args.topic, &partitions)?)),
        false => None,
    };
    drop(connection);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| Complaint::refused(format!("no timer is to be had: {error}")))?;
    let printer = RefCell::new(Printer {
        out: &mut *env.stdout,
        format: args.format(global),
        line: Vec::new(),
        left: args.max,
        broken: None,
    });
    let result = runtime.block_on(consume(consumer, &printer, ends));
    let printer = printer.into_inner();
    if let Some(error) = printer.broken {
        return Err(Complaint::output(&error));
    }
    match result {
        Ok(()) => Ok(Exit::Success),
        Err(error) => Err(complaints::of_run(&error, group, &cluster)),
    }
}

fn builder(cluster: &Cluster, args: &Consume, group: &str) -> Builder {
    let servers = cluster.option("bootstrap.servers").unwrap_or_default();
    let options = cluster.all_options().into_iter().filter(|(name, _)| name != "bootstrap.servers");
    let mut budget = Budget::default();
    if args.max.is_some() {
        budget.max_in_flight = NonZeroUsize::MIN;
    }
    Consumer::builder(servers, group)
        .topics([args.topic.as_str()])
        .guarantee(match args.guarantee {
            Promise::AtMostOnce => Guarantee::AtMostOnce,
            Promise::AtLeastOnce => Guarantee::AtLeastOnce,
        })
        .processing_order(ProcessingOrder::Partition)
        .budget(budget)
        .start(StartPolicy { without_commit: args.from.without_commit(), ..StartPolicy::default() })
        .isolation_level(match args.isolation {
            Isolation::ReadCommitted => IsolationLevel::ReadCommitted,
            Isolation::ReadUncommitted => IsolationLevel::ReadUncommitted,
        })
        .start_timeout(cluster.timeout())
        .drain_deadline(cluster.timeout().min(DRAIN_DEADLINE))
        .options(options)
        .stop_on_signals()
}

/// Runs until the output is complete, or a signal comes.
async fn consume(
    consumer: Consumer,
    printer: &RefCell<Printer<'_>>,
    ends: Option<Ends>,
) -> Result<(), RunError> {
    let handle = consumer.handle();
    let stop_at_ends = async {
        if let Some(ends) = ends {
            ends.reached(&handle).await;
            handle.stop();
        }
        pending::<Infallible>().await
    };
    let run = consumer
        .run(async |delivery: Delivery| printer.borrow_mut().print(delivery.record(), &handle));
    tokio::select! {
        result = run => result,
        never = stop_at_ends => match never {},
    }
}

/// Where records go, and how many more.
struct Printer<'a> {
    out: &'a mut dyn Write,
    format: Format,
    /// One record, so that it is written whole.
    line: Vec<u8>,
    left: Option<u64>,
    broken: Option<io::Error>,
}

impl Printer<'_> {
    fn print(&mut self, record: &Record, handle: &Handle) -> Result<(), Failure> {
        if self.left == Some(0) || self.broken.is_some() {
            return Err("nothing more is to be written".into());
        }
        if let Err(error) = self.write(record) {
            self.broken = Some(error);
            return Err("the output cannot be written".into());
        }
        self.left = self.left.map(|left| left - 1);
        if self.left == Some(0) {
            // Before this record ends: with one in flight, no other starts.
            handle.stop();
        }
        Ok(())
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.line.clear();
        self.format.write(&mut self.line, &Line::from(record))?;
        self.out.write_all(&self.line)?;
        self.out.flush()
    }
}
