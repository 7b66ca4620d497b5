//! A consumer whose handlers are a closure on a thread.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use surefoot_core::{
    Answer, CommitPolicy, Control, Deliver, DeliveryUnit, EngineConfig, Guarantee, HandlerOutcome,
    Term, TopicPartition,
};
use tokio::sync::oneshot;

use crate::broker::{self, PATIENCE};
use crate::link::{Message, Query, Report, Sender, Work};
use crate::record::Record;
use crate::room::{self, Exit, Observed, RoomConfig, RoomError};
use crate::snapshot::Snapshot;

/// What a test sees of a consumer.
#[derive(Default)]
pub(crate) struct Seen {
    /// Partition and offset of each record handed to the handler.
    pub(crate) records: Vec<(i32, i64)>,
    /// The engine's steps, as text.
    pub(crate) steps: Vec<String>,
    pub(crate) cancelled: Vec<Term>,
}

pub(crate) struct Member {
    pub(crate) sender: Sender,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    handlers: Option<JoinHandle<Result<Exit, RoomError>>>,
}

pub(crate) struct Options {
    pub(crate) topics: Vec<String>,
    pub(crate) group: String,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) engine: EngineConfig,
}

impl Options {
    pub(crate) fn new(topic: &str, group: &str) -> Self {
        let mut engine = EngineConfig::new(Guarantee::AtLeastOnce);
        engine.commit = CommitPolicy::Auto {
            every_records: NonZeroU32::new(100),
            every: Some(Duration::from_millis(100)),
        };
        engine.drain_deadline = Duration::from_secs(5);
        Self {
            topics: vec![topic.to_owned()],
            group: group.to_owned(),
            options: vec![
                ("session.timeout.ms".to_owned(), "30000".to_owned()),
                ("heartbeat.interval.ms".to_owned(), "500".to_owned()),
            ],
            engine,
        }
    }

    pub(crate) fn set(mut self, option: &str, value: &str) -> Self {
        self.options.push((option.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn engine(mut self, change: impl FnOnce(&mut EngineConfig)) -> Self {
        change(&mut self.engine);
        self
    }

    pub(crate) fn batches(self) -> Self {
        self.engine(|engine| engine.delivery_unit = DeliveryUnit::Batch)
    }

    /// Starts a consumer whose handler succeeds at once.
    pub(crate) fn start(self) -> Member {
        self.start_with(|_| HandlerOutcome::Done)
    }

    /// Starts a consumer whose handler is `handle`, called for one record after the other.
    pub(crate) fn start_with(
        self,
        handle: impl Fn(&Record) -> HandlerOutcome + Send + 'static,
    ) -> Member {
        let seen: Arc<(Mutex<Seen>, Condvar)> = Arc::default();
        let observer = {
            let seen = Arc::clone(&seen);
            Box::new(move |observed: &Observed<'_>| {
                seen.0.lock().unwrap().steps.push(format!("{observed:?}"));
                seen.1.notify_all();
            })
        };
        let prepared = room::prepare(RoomConfig {
            bootstrap_servers: broker::bootstrap(),
            group: self.group,
            topics: self.topics,
            options: self.options,
            engine: self.engine,
            max_batch: NonZeroUsize::new(100).unwrap(),
            start_timeout: Duration::from_secs(5),
            observer: Some(observer),
        })
        .unwrap();
        let sender = prepared.sender();
        let running = prepared.start().unwrap();
        let handlers = {
            let (seen, sender) = (Arc::clone(&seen), sender.clone());
            thread::spawn(move || handlers(running, &sender, &seen, handle))
        };
        Member { sender, seen, handlers: Some(handlers) }
    }
}

fn handlers(
    mut running: room::Running,
    sender: &Sender,
    seen: &(Mutex<Seen>, Condvar),
    handle: impl Fn(&Record) -> HandlerOutcome,
) -> Result<Exit, RoomError> {
    while let Some(work) = running.work.blocking_recv() {
        let mut reports = Vec::new();
        match work {
            Work::Records(deliveries) => {
                for (deliver, record) in deliveries {
                    let outcome = run(seen, &handle, &record);
                    reports.push(report(&deliver, outcome));
                }
            }
            Work::Batch(deliver, records) => {
                assert_eq!(records.len(), deliver.count as usize);
                let outcome = records
                    .iter()
                    .map(|record| run(seen, &handle, record))
                    .find(|outcome| *outcome != HandlerOutcome::Done);
                reports.push(report(&deliver, outcome.unwrap_or(HandlerOutcome::Done)));
            }
            Work::Cancel(term) => {
                seen.0.lock().unwrap().cancelled.push(term);
            }
            Work::Over => break,
        }
        let _ = sender.send(Message::Reports(reports));
    }
    running.ending.blocking_recv().unwrap()
}

fn run(
    seen: &(Mutex<Seen>, Condvar),
    handle: &impl Fn(&Record) -> HandlerOutcome,
    record: &Record,
) -> HandlerOutcome {
    seen.0.lock().unwrap().records.push((record.partition(), record.offset().get()));
    seen.1.notify_all();
    handle(record)
}

fn report(deliver: &Deliver, outcome: HandlerOutcome) -> Report {
    let &Deliver { term, first, last, attempt, .. } = deliver;
    Report { term, first, last, attempt, outcome }
}

impl Member {
    /// Waits until what is seen satisfies `condition`.
    pub(crate) fn wait(&self, what: &str, mut condition: impl FnMut(&Seen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        while !condition(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited in vain until {what}: {} records, last steps {:#?}",
                seen.records.len(),
                &seen.steps[seen.steps.len().saturating_sub(20)..]
            );
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    pub(crate) fn wait_for_records(&self, count: usize) {
        self.wait(&format!("{count} records are handled"), |seen| seen.records.len() >= count);
    }

    pub(crate) fn wait_for_step(&self, step: &str) {
        self.wait(step, |seen| seen.steps.iter().any(|it| it.contains(step)));
    }

    pub(crate) fn records(&self) -> Vec<(i32, i64)> {
        self.seen.0.lock().unwrap().records.clone()
    }

    pub(crate) fn steps(&self) -> Vec<String> {
        self.seen.0.lock().unwrap().steps.clone()
    }

    pub(crate) fn control(&self, control: Control) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Control(control, reply)).unwrap();
        answer.blocking_recv().unwrap()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Query(Query::Snapshot(reply))).unwrap();
        answer.blocking_recv().unwrap()
    }

    pub(crate) fn committed(&self, partitions: Vec<TopicPartition>) -> Vec<Option<i64>> {
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Query(Query::Committed(partitions, reply))).unwrap();
        let answers = answer.blocking_recv().unwrap().unwrap();
        answers.into_iter().map(|(_, committed)| committed).collect()
    }

    /// Waits until a snapshot satisfies `condition`.
    pub(crate) fn wait_for_snapshot(&self, what: &str, condition: impl Fn(&Snapshot) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.snapshot();
            if condition(&snapshot) {
                return;
            }
            assert!(Instant::now() < deadline, "waited in vain until {what}:\n{snapshot}");
            thread::yield_now();
        }
    }

    /// Drains and stops.
    pub(crate) fn stop(mut self) -> (Exit, Vec<(i32, i64)>, Vec<String>) {
        self.sender.send(Message::Stop(None)).unwrap();
        let exit = self.handlers.take().unwrap().join().unwrap().unwrap();
        (exit, self.records(), self.steps())
    }

    /// Stops at once.
    pub(crate) fn abort(mut self) -> Exit {
        self.sender.send(Message::Abort).unwrap();
        self.handlers.take().unwrap().join().unwrap().unwrap()
    }

    /// Waits for an end that nobody asked for.
    pub(crate) fn ending(mut self) -> Result<Exit, RoomError> {
        self.handlers.take().unwrap().join().unwrap()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // A test that failed must not leave a member behind that holds up another.
        let _ = self.sender.send(Message::Abort);
    }
}
