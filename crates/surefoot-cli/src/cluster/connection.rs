//! The first contact with a cluster, and the questions that every command asks of it.
//!
//! A question blocks until its deadline even when every broker refuses the connection, so the first
//! one is asked on a thread of its own while this one reads the client's error events and gives up
//! early when they leave no hope. "Refused" alone is given a moment: a name may stand for two
//! addresses of which one answers.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::cluster::diagnosis::{self, Action};
use crate::cluster::{Cluster, Events, Fault, Isolation, options};
use crate::complaint::Complaint;

/// How often the events of the client are read while an answer is awaited.
const GLANCE: Duration = Duration::from_millis(20);

/// How long the cluster may still turn up after all its brokers refused: the client tries the next
/// address of a name after its first backoff of 100 ms.
const SECOND_CHANCE: Duration = Duration::from_millis(1500);

/// Between two questions while a partition has no leader that would answer.
const PAUSE: Duration = Duration::from_millis(100);

/// A cluster that answered.
pub(crate) struct Connection {
    client: Arc<BaseConsumer<Events>>,
    faults: Receiver<Fault>,
    cluster: Cluster,
}

/// A partition and where its log begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) id: i32,
    /// The first offset that the log still has.
    pub(crate) log_start: i64,
    /// One past the last offset that a reader of the chosen isolation can get to.
    pub(crate) end: i64,
}

impl Connection {
    /// Asks the cluster for its id, to learn whether it can be used at all.
    pub(super) fn open(cluster: &Cluster, isolation: Isolation) -> Result<Self, Complaint> {
        let (events, faults) = Events::channel();
        let mut options = cluster.options();
        // A question must never make the topic that it asks for, nor join a group.
        options
            .set("allow.auto.create.topics", "false")
            .set("isolation.level", isolation.as_str())
            .remove("group.id");
        let client: BaseConsumer<Events> =
            options.create_with_context(events).map_err(|error| options::explain(&error))?;
        let client = Arc::new(client);
        wait_for_answer(cluster, &client, &faults)?;
        Ok(Self { client, faults, cluster: cluster.clone() })
    }

    /// All topics with their partitions, and the brokers.
    pub(crate) fn metadata(&self) -> Result<Metadata, Complaint> {
        self.client
            .fetch_metadata(None, self.cluster.timeout())
            .map_err(|error| self.explain(&error, &Action::List))
    }

    /// The ids of the topic's partitions, in order.
    pub(crate) fn partitions(&self, topic: &str) -> Result<Vec<i32>, Complaint> {
        let metadata = self.topic_metadata(topic)?;
        let described = metadata.topics().first().filter(|described| described.name() == topic);
        let Some(described) = described else {
            return Err(diagnosis::refusal(
                RDKafkaErrorCode::UnknownTopicOrPartition,
                &Action::Describe { topic },
                &self.cluster,
            ));
        };
        let mut ids: Vec<i32> =
            described.partitions().iter().map(|partition| partition.id()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The topic's partitions; refuses when one of `asked` is not among them.
    pub(crate) fn partitions_with(
        &self,
        topic: &str,
        asked: &[i32],
    ) -> Result<Vec<i32>, Complaint> {
        let known = self.partitions(topic)?;
        let Some(unknown) = asked.iter().find(|id| !known.contains(id)) else {
            return Ok(known);
        };
        Err(Complaint::refused(format!(
            "{topic}[{unknown}] does not exist: the topic has partitions 0 to {}",
            known.len().saturating_sub(1)
        ))
        .hint("check --partition"))
    }

    /// Leader, replicas and partitions of one topic, freshly asked.
    pub(crate) fn topic_metadata(&self, topic: &str) -> Result<Metadata, Complaint> {
        let metadata = self
            .client
            .fetch_metadata(Some(topic), self.cluster.timeout())
            .map_err(|error| self.explain(&error, &Action::Describe { topic }))?;
        let refused = metadata.topics().first().and_then(|described| described.error());
        match refused {
            Some(code) => {
                Err(diagnosis::refusal(code.into(), &Action::Describe { topic }, &self.cluster))
            }
            None => Ok(metadata),
        }
    }

    /// Log start and end of the partitions, in two requests to each leader. Ends are last stable
    /// offsets when the connection is `read_committed`, else high watermarks.
    pub(crate) fn bounds(&self, topic: &str, ids: &[i32]) -> Result<Vec<Partition>, Complaint> {
        let starts = self.offsets_at(topic, ids, Offset::Beginning)?;
        let ends = self.offsets_at(topic, ids, Offset::End)?;
        let partitions = ids.iter().zip(starts).zip(ends);
        Ok(partitions.map(|((&id, log_start), end)| Partition { id, log_start, end }).collect())
    }

    /// The first offset at or after a time in each partition; the end where there is none.
    pub(crate) fn offsets_since(
        &self,
        topic: &str,
        partitions: &[Partition],
        millis: i64,
    ) -> Result<Vec<i64>, Complaint> {
        let ids: Vec<i32> = partitions.iter().map(|partition| partition.id).collect();
        let found = self.offsets_at(topic, &ids, Offset::Offset(millis))?;
        let found = found.into_iter().zip(partitions);
        Ok(found
            .map(|(offset, partition)| if offset < 0 { partition.end } else { offset })
            .collect())
    }

    /// ListOffsets, asked again while leaders move: right after a broker started, it and the client
    /// disagree for a moment about who leads.
    fn offsets_at(&self, topic: &str, ids: &[i32], time: Offset) -> Result<Vec<i64>, Complaint> {
        let deadline = Instant::now() + self.cluster.timeout();
        loop {
            match self.ask_offsets(topic, ids, time) {
                Ok(offsets) => return Ok(offsets),
                Err(error) if diagnosis::is_passing(&error) && Instant::now() < deadline => {
                    thread::sleep(PAUSE);
                }
                Err(error) => return Err(self.explain(&error, &Action::Describe { topic })),
            }
        }
    }

    /// ListOffsets for all partitions at once. The request has one field for a time and for the
    /// special values "beginning" and "end", and the client passes it on as it is.
    fn ask_offsets(&self, topic: &str, ids: &[i32], time: Offset) -> Result<Vec<i64>, KafkaError> {
        let mut asked = TopicPartitionList::with_capacity(ids.len());
        for &id in ids {
            asked.add_partition_offset(topic, id, time)?;
        }
        let answer = self.client.offsets_for_times(asked, self.cluster.timeout())?;
        let mut offsets = Vec::with_capacity(ids.len());
        for &id in ids {
            let found = answer
                .find_partition(topic, id)
                .expect("the answer has the partitions that were asked for");
            found.error()?;
            offsets.push(match found.offset() {
                Offset::Offset(offset) => offset,
                _ => -1,
            });
        }
        Ok(offsets)
    }

    /// Says what an error of a call means, with what the client complained of meanwhile.
    pub(crate) fn explain(&self, error: &KafkaError, action: &Action<'_>) -> Complaint {
        self.client.poll(Duration::ZERO);
        let faults: Vec<Fault> = self.faults.try_iter().collect();
        diagnosis::explain(error, &faults, action, &self.cluster)
    }
}

fn wait_for_answer(
    cluster: &Cluster,
    client: &Arc<BaseConsumer<Events>>,
    faults: &Receiver<Fault>,
) -> Result<(), Complaint> {
    let (answered, answer) = mpsc::channel();
    let asking = Arc::clone(client);
    let timeout = cluster.timeout();
    thread::spawn(move || {
        let id = asking.client().fetch_cluster_id(timeout);
        // Nobody waits any more when the events said enough.
        let _ = answered.send(id);
    });
    let mut seen: Vec<Fault> = Vec::new();
    let mut give_up_at = Instant::now() + timeout + GLANCE;
    loop {
        match answer.recv_timeout(GLANCE) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) | Err(RecvTimeoutError::Disconnected) => {
                return Err(diagnosis::unreachable(&seen, cluster));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        // An event of the main queue; there are no records, nothing was subscribed.
        while client.poll(Duration::ZERO).is_some() {}
        for fault in faults.try_iter() {
            match diagnosis::hope(&fault) {
                diagnosis::Hope::None => return Err(diagnosis::unreachable(&[fault], cluster)),
                diagnosis::Hope::Little => {
                    give_up_at = give_up_at.min(Instant::now() + SECOND_CHANCE);
                }
                diagnosis::Hope::Good => {}
            }
            seen.push(fault);
        }
        if Instant::now() >= give_up_at {
            return Err(diagnosis::unreachable(&seen, cluster));
        }
    }
}
