//! A member of a group with every knob that a test turns: worker NAME=VALUE …
//!
//! What a record's handler does is written in the record, so that the test that produces decides:
//! `sleep MS` waits, `block MS` waits and holds up its thread, `fail` returns an error, `panic`
//! panics, anything else takes `delay_ms`.

use std::collections::BTreeMap;
use std::error::Error;
use std::num::{NonZeroU32, NonZeroUsize};
use std::process::ExitCode;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use surefoot::{
    Batch, Budget, Builder, CommitPolicy, Consumer, Delivery, Failure, Guarantee, ProcessingOrder,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
            let mut source = error.source().source();
            while let Some(cause) = source {
                eprint!(": {cause}");
                source = cause.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let mut knobs = Knobs::read(std::env::args().skip(1))?;
    let delay = Duration::from_millis(knobs.number("delay_ms")?.unwrap_or(0));
    let in_batches = knobs.text("unit").is_some_and(|unit| unit == "batch");
    let consumer = builder(&mut knobs)?.build()?;
    if in_batches {
        consumer.run_batch(async |batch: Batch| handle_batch(&batch, delay).await).await?;
    } else {
        consumer.run(async |it: Delivery| handle(it.payload(), delay).await).await?;
    }
    Ok(())
}

async fn handle_batch(batch: &Batch, delay: Duration) -> Result<(), Failure> {
    for record in batch.records() {
        handle(record.payload(), delay).await?;
    }
    Ok(())
}

async fn handle(payload: Option<&[u8]>, delay: Duration) -> Result<(), Failure> {
    let text = std::str::from_utf8(payload.unwrap_or_default()).unwrap_or_default();
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    match (verb, rest.parse().map(Duration::from_millis)) {
        ("sleep", Ok(time)) => tokio::time::sleep(time).await,
        ("block", Ok(time)) => thread::sleep(time),
        ("fail", _) => return Err("the record says so".into()),
        ("panic", _) => panic!("the record says so"),
        _ if delay.is_zero() => {}
        _ => tokio::time::sleep(delay).await,
    }
    Ok(())
}

fn builder(knobs: &mut Knobs) -> Result<Builder, Failure> {
    let bootstrap = knobs.needed("bootstrap")?;
    let group = knobs.needed("group")?;
    let topics = knobs.needed("topics")?;
    let mut builder = Consumer::builder(bootstrap, group)
        .topics(topics.split(','))
        .guarantee(match knobs.text("guarantee").as_deref() {
            None | Some("at-least-once") => Guarantee::AtLeastOnce,
            Some("at-most-once") => Guarantee::AtMostOnce,
            Some(other) => return Err(format!("no guarantee `{other}`").into()),
        })
        .processing_order(match knobs.text("order").as_deref() {
            None | Some("key") => ProcessingOrder::Key,
            Some("partition") => ProcessingOrder::Partition,
            Some("unordered") => ProcessingOrder::Unordered,
            Some(other) => return Err(format!("no order `{other}`").into()),
        })
        .stop_on_signals();
    let every_records: Option<NonZeroU32> = knobs.number("every_records")?;
    let every = knobs.number("every_ms")?.map(Duration::from_millis);
    if knobs.text("commit").is_some_and(|commit| commit == "manual") {
        builder = builder.commit_policy(CommitPolicy::Manual);
    } else if every_records.is_some() || every.is_some() {
        builder = builder.commit_policy(CommitPolicy::Auto { every_records, every });
    }
    if let Some(max_in_flight) = knobs.number::<NonZeroUsize>("max_in_flight")? {
        builder = builder.budget(Budget { max_in_flight, ..Budget::default() });
    }
    if let Some(deadline) = knobs.number("drain_ms")? {
        builder = builder.drain_deadline(Duration::from_millis(deadline));
    }
    if let Some(timeout) = knobs.number("start_timeout_ms")? {
        builder = builder.start_timeout(Duration::from_millis(timeout));
    }
    if let (Some(directory), Some(member)) = (knobs.text("history"), knobs.text("member")) {
        builder = builder.record_history(directory, member);
    }
    for (name, value) in std::mem::take(&mut knobs.0) {
        let option = name.strip_prefix("option.").ok_or_else(|| format!("no knob `{name}`"))?;
        builder = builder.option(option, value);
    }
    Ok(builder)
}

/// What was given and not asked for yet.
struct Knobs(BTreeMap<String, String>);

impl Knobs {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let split = |argument: String| {
            let (name, value) = argument.split_once('=').ok_or_else(|| format!("`{argument}`?"))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        arguments.map(split).collect::<Result<_, Failure>>().map(Self)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn needed(&mut self, name: &str) -> Result<String, Failure> {
        self.text(name).ok_or_else(|| format!("{name}= is missing").into())
    }

    fn number<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        Ok(self.text(name).map(|text| text.parse()).transpose()?)
    }
}
