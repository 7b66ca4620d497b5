//! Reads partitions of one topic from given offsets to given ends, without a group.
//!
//! The end of a log is not where its last record is: transaction markers and compaction leave
//! offsets at the tail that no reader ever gets. So a partition counts as read when a record at or
//! past its end came, or when the client reports the end of the partition, which it does by
//! position. Starts are always explicit, and an offset that retention took away is an error, never
//! a silent jump.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::cluster::{Action, Cluster, Decided, Events, Fault, Isolation, diagnosis, options};
use crate::complaint::Complaint;

/// Options that a reader decides itself.
pub(crate) const DECIDED: &[Decided] = &[
    Decided {
        option: "group.id",
        instead: "this command reads without a group and commits nothing",
    },
    Decided {
        option: "isolation.level",
        instead: "the command chooses it; `surefoot consume` takes --isolation",
    },
    Decided { option: "auto.offset.reset", instead: "`surefoot consume` takes --from" },
    Decided {
        option: "enable.partition.eof",
        instead: "the end of a partition is always looked for",
    },
];

/// A part of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) partition: i32,
    /// The first offset to read.
    pub(crate) start: i64,
    /// The first offset not to read; `None` goes on for ever.
    pub(crate) end: Option<i64>,
}

impl Span {
    /// Whether a record at or above the start belongs to it.
    fn reaches(&self, offset: i64) -> bool {
        self.end.is_none_or(|end| offset < end)
    }

    /// Whether nothing of it can come after a record.
    fn is_read_with(&self, offset: i64) -> bool {
        self.end.is_some_and(|end| offset + 1 >= end)
    }
}

/// What came of waiting for a record.
pub(crate) enum Next<'a> {
    /// A record inside its span.
    Record(BorrowedMessage<'a>),
    /// None in that time.
    Nothing,
    /// Every span was read to its end.
    Done,
}

/// A reader of one topic.
pub(crate) struct LogReader {
    consumer: BaseConsumer<Events>,
    // Partitions that are not read to their end yet.
    pending: BTreeMap<i32, Span>,
    patience: Patience,
}

/// Which of the client's errors are waited out, and for how long.
struct Patience {
    cluster: Cluster,
    topic: String,
    faults: Receiver<Fault>,
    seen: Vec<Fault>,
    // When all brokers were reported down, with no record since.
    down_since: Option<Instant>,
}

impl LogReader {
    /// Starts to read. Spans that are empty count as read.
    pub(crate) fn open(
        cluster: &Cluster,
        topic: &str,
        isolation: Isolation,
        spans: &[Span],
    ) -> Result<Self, Complaint> {
        let (events, faults) = Events::channel();
        let mut options = cluster.options();
        options
            // The client wants a name for its offsets even when it never commits.
            .set("group.id", "surefoot-reader")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false")
            .set("check.crcs", "true")
            // The default of 1 s stalls a reader whose queue was full.
            .set("fetch.queue.backoff.ms", "5")
            .set("isolation.level", isolation.as_str());
        let consumer: BaseConsumer<Events> =
            options.create_with_context(events).map_err(|error| options::explain(&error))?;
        let pending: BTreeMap<i32, Span> = spans
            .iter()
            .filter(|span| span.end.is_none_or(|end| span.start < end))
            .map(|span| (span.partition, *span))
            .collect();
        let reader = Self {
            consumer,
            pending,
            patience: Patience {
                cluster: cluster.clone(),
                topic: topic.to_owned(),
                faults,
                seen: Vec::new(),
                down_since: None,
            },
        };
        reader.assign()?;
        Ok(reader)
    }

    fn assign(&self) -> Result<(), Complaint> {
        let mut assignment = TopicPartitionList::with_capacity(self.pending.len());
        let added = self.pending.values().try_for_each(|span| {
            let start = Offset::Offset(span.start);
            assignment.add_partition_offset(&self.patience.topic, span.partition, start)
        });
        added
            .and_then(|()| self.consumer.assign(&assignment))
            .map_err(|error| self.patience.explain(&error))
    }

    /// Waits for the next record.
    pub(crate) fn next(&mut self, wait: Duration) -> Result<Next<'_>, Complaint> {
        let give_up_at = Instant::now() + wait;
        while !self.pending.is_empty() {
            let left = give_up_at.saturating_duration_since(Instant::now());
            match self.consumer.poll(left) {
                Some(Ok(message)) => {
                    self.patience.down_since = None;
                    let (partition, offset) = (message.partition(), message.offset());
                    let Some(span) = self.pending.get(&partition) else {
                        continue;
                    };
                    let is_inside = span.reaches(offset);
                    if span.is_read_with(offset) {
                        self.pending.remove(&partition);
                        pause(&self.consumer, &self.patience.topic, partition);
                    }
                    if is_inside {
                        return Ok(Next::Record(message));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    // Reported by position, at or past the end that was asked for.
                    if self.pending.get(&partition).is_some_and(|span| span.end.is_some()) {
                        self.pending.remove(&partition);
                    }
                }
                Some(Err(error)) => self.patience.judge(&self.consumer, &error)?,
                None => {
                    self.patience.check_silence(&self.consumer)?;
                    if left.is_zero() {
                        return Ok(Next::Nothing);
                    }
                }
            }
        }
        Ok(Next::Done)
    }
}

impl Patience {
    /// Errors that the client gets over by itself are noted; the others end the reading.
    fn judge(
        &mut self,
        consumer: &BaseConsumer<Events>,
        error: &KafkaError,
    ) -> Result<(), Complaint> {
        match error.rdkafka_error_code() {
            // Reading without a group needs no permission on any group.
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => Ok(()),
            Some(
                RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::RequestTimedOut
                | RDKafkaErrorCode::Resolve,
            ) => {
                self.down_since.get_or_insert_with(Instant::now);
                self.check_silence(consumer)
            }
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                Err(Complaint::cluster(format!(
                    "the next offset of {} is not in the log any more",
                    self.topic
                ))
                .hint(
                    "retention may have deleted it; --from beginning starts where the log starts",
                ))
            }
            _ => Err(self.explain(error)),
        }
    }

    /// Lost brokers are waited for as long as for any answer; then one is asked.
    fn check_silence(&mut self, consumer: &BaseConsumer<Events>) -> Result<(), Complaint> {
        let timeout = self.cluster.timeout();
        if self.down_since.is_none_or(|since| since.elapsed() < timeout) {
            return Ok(());
        }
        self.seen.extend(self.faults.try_iter());
        match consumer.fetch_metadata(Some(&self.topic), timeout) {
            Ok(_) => {
                self.down_since = None;
                self.seen.clear();
                Ok(())
            }
            Err(_) => Err(diagnosis::unreachable(&self.seen, &self.cluster)),
        }
    }

    fn explain(&self, error: &KafkaError) -> Complaint {
        let faults: Vec<Fault> = self.faults.try_iter().collect();
        let action = Action::Read { topic: &self.topic };
        diagnosis::explain(error, &faults, &action, &self.cluster)
    }
}

/// Stops fetching a partition that was read to its end while others are still read.
fn pause(consumer: &BaseConsumer<Events>, topic: &str, partition: i32) {
    let mut read = TopicPartitionList::with_capacity(1);
    read.add_partition(topic, partition);
    // What a partition goes on to deliver is dropped anyway.
    let _ = consumer.pause(&read);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_before_its_end_although_the_log_goes_on() {
        let span = Span { partition: 0, start: 3, end: Some(5) };
        assert!(span.reaches(4) && !span.reaches(5), "the end is not part of it");
        assert!(!span.is_read_with(3) && span.is_read_with(4));
        assert!(span.is_read_with(9), "the last offsets were compacted away");
        let endless = Span { end: None, ..span };
        assert!(endless.reaches(i64::MAX) && !endless.is_read_with(i64::MAX - 1));
    }
}
