//! One member of a group, driven by a test: it keeps what it sees, and answers when told to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use surefoot_core::{Position, TopicPartition};

use crate::broker::{self, PATIENCE};
use crate::native::{
    Client, Code, CommitEntry, Event, NativeConfig, NativeMessage, PartitionQueue, StartAt,
};

pub(crate) struct Member {
    pub(crate) client: Client,
    pub(crate) queues: BTreeMap<TopicPartition, PartitionQueue>,
    /// Records in the order in which they came: partition, offset, payload.
    pub(crate) records: Vec<(TopicPartition, i64, String)>,
    /// The last end that was reported of each partition.
    pub(crate) ends: BTreeMap<TopicPartition, i64>,
    /// Errors in place of records.
    pub(crate) errors: Vec<(TopicPartition, Code)>,
    /// Events that were not looked at yet.
    pub(crate) events: Vec<Event>,
    pub(crate) wakes: Arc<AtomicUsize>,
}

pub(crate) const COOPERATIVE: (&str, &str) =
    ("partition.assignment.strategy", "cooperative-sticky");
pub(crate) const EAGER: (&str, &str) = ("partition.assignment.strategy", "range");

impl Member {
    pub(crate) fn new(group: &str, options: &[(&str, &str)]) -> Self {
        let mut config = NativeConfig::new();
        let defaults = [
            ("bootstrap.servers", broker::bootstrap().as_str()),
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "error"),
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "500"),
            ("fetch.wait.max.ms", "50"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        for (key, value) in defaults.into_iter().chain(options) {
            config.set(&key, &value).unwrap();
        }
        let wakes = Arc::new(AtomicUsize::new(0));
        let (woken, sleeper) = (Arc::clone(&wakes), thread::current());
        let waker = Arc::new(move || {
            woken.fetch_add(1, Ordering::Relaxed);
            sleeper.unpark();
        });
        let client = Client::new(config, waker).unwrap();
        Self {
            client,
            queues: BTreeMap::new(),
            records: Vec::new(),
            ends: BTreeMap::new(),
            errors: Vec::new(),
            events: Vec::new(),
            wakes,
        }
    }

    /// A member that joined and got its first assignment; it is not answered yet.
    pub(crate) fn joined(
        group: &str,
        topic: &str,
        options: &[(&str, &str)],
    ) -> (Self, Vec<TopicPartition>) {
        let mut member = Self::new(group, options);
        member.client.subscribe(&[topic]).unwrap();
        let assigned = member.assigned();
        (member, assigned)
    }

    /// Takes in what is there, without waiting.
    pub(crate) fn pump(&mut self) {
        while let Some(event) = self.client.poll_event(Duration::ZERO) {
            self.events.push(event);
        }
        let mut messages: Vec<NativeMessage> = Vec::new();
        for (partition, queue) in &mut self.queues {
            while queue.is_ready() {
                queue.consume(100, &mut messages);
            }
            for message in messages.drain(..) {
                match (message.error(), message.end()) {
                    (_, Some(end)) => {
                        self.ends.insert(partition.clone(), end.get());
                    }
                    (Some(code), None) => self.errors.push((partition.clone(), code)),
                    (None, None) => {
                        let payload = String::from_utf8(message.payload().unwrap().to_vec());
                        let offset = message.offset().get();
                        self.records.push((partition.clone(), offset, payload.unwrap()));
                    }
                }
            }
        }
    }

    /// Goes on until `done` says so, woken by the client alone.
    #[track_caller]
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut done: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.pump();
            if let Some(value) = done(self) {
                return value;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no {what}; records {:?}, events {:?}",
                self.records,
                self.events
            );
            thread::park_timeout(left);
        }
    }

    /// The first event that `pick` wants, taken out.
    #[track_caller]
    pub(crate) fn event<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        self.until(what, |member| member.take(&mut pick))
    }

    fn take<T>(&mut self, pick: &mut impl FnMut(&Event) -> Option<T>) -> Option<T> {
        let (index, value) = self
            .events
            .iter()
            .enumerate()
            .find_map(|(index, event)| Some((index, pick(event)?)))?;
        self.events.remove(index);
        Some(value)
    }

    #[track_caller]
    pub(crate) fn assigned(&mut self) -> Vec<TopicPartition> {
        self.event("assignment", |event| match event {
            Event::Assigned(partitions) => Some(partitions.clone()),
            _ => None,
        })
    }

    #[track_caller]
    pub(crate) fn revoked(&mut self) -> (Vec<TopicPartition>, bool) {
        self.event("revocation", |event| match event {
            Event::Revoked { partitions, lost } => Some((partitions.clone(), *lost)),
            _ => None,
        })
    }

    /// Answers a cooperative assignment.
    pub(crate) fn start(&mut self, partitions: &[TopicPartition], position: i64) {
        let starts: Vec<_> = partitions.iter().map(|it| at(it, position)).collect();
        let queues = self.client.incremental_assign(&starts).unwrap();
        self.queues.extend(partitions.iter().cloned().zip(queues));
    }

    /// Answers a cooperative revocation.
    pub(crate) fn release(&mut self, partitions: &[TopicPartition]) {
        self.queues.retain(|partition, _| !partitions.contains(partition));
        self.client.incremental_unassign(partitions).unwrap();
    }

    /// Waits for this many records in all.
    #[track_caller]
    pub(crate) fn read(&mut self, count: usize) {
        self.until("records", |member| (member.records.len() >= count).then_some(()));
    }

    /// Waits for the end of a partition.
    #[track_caller]
    pub(crate) fn end(&mut self, partition: &TopicPartition) -> i64 {
        self.until("end", |member| member.ends.remove(partition))
    }

    /// Commits one position and waits for the answer.
    #[track_caller]
    pub(crate) fn commit(&mut self, opaque: u64, entry: CommitEntry) -> Option<Code> {
        self.client.commit(opaque, &[entry]).unwrap();
        self.event("commit", |event| match event {
            Event::CommitEnded { opaque: answered, error, partitions } if *answered == opaque => {
                Some(error.or(partitions[0].error))
            }
            _ => None,
        })
    }

    /// Leaves the group and waits for it.
    #[track_caller]
    pub(crate) fn close(mut self) {
        self.client.begin_close().unwrap();
        self.until("end of the client", |member| {
            let revoked = member.take(&mut |event| match event {
                Event::Revoked { partitions, .. } => Some(partitions.clone()),
                _ => None,
            });
            if let Some(partitions) = revoked {
                member.release(&partitions);
            }
            member.client.is_closed().then_some(())
        });
    }

    pub(crate) fn offsets(&self) -> Vec<i64> {
        self.records.iter().map(|(_, offset, _)| *offset).collect()
    }
}

pub(crate) fn at(partition: &TopicPartition, position: i64) -> StartAt {
    StartAt { partition: partition.clone(), position: Position::new(position), leader_epoch: None }
}

pub(crate) fn entry(partition: &TopicPartition, position: i64) -> CommitEntry {
    CommitEntry {
        partition: partition.clone(),
        position: Position::new(position),
        leader_epoch: Some(0),
        metadata: None,
    }
}
