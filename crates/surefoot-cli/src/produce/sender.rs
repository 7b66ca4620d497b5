//! Hands records to the Kafka client and hears from it what became of them.
//!
//! The client's queue is bounded; when it is full, the sender polls until acknowledgements make
//! room, so a slow broker slows the reading of the file and nothing else. The producer is
//! idempotent with acks=all: a retry inside the client neither repeats a record nor changes its
//! order.

use std::sync::mpsc::{self, Receiver, Sender as ChannelSender};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::cluster::{Cluster, Decided, Events, Fault, explain_options};
use crate::complaint::Complaint;
use crate::produce::input::{Draft, LineNumber};
use crate::produce::ledger::{Fate, Ledger, Report};
use crate::produce::partitioner::JavaPartitioner;

/// How long one look for acknowledgements may take while the queue is full.
const GLANCE: Duration = Duration::from_millis(50);

/// Acknowledgements are collected once in so many records; each look costs a lock.
const RECORDS_PER_LOOK: u32 = 64;

/// Options that `produce` decides itself.
pub(super) const DECIDED: &[Decided] = &[
    Decided {
        option: "acks",
        instead: "a record counts as produced when all in-sync replicas have it",
    },
    Decided {
        option: "request.required.acks",
        instead: "a record counts as produced when all in-sync replicas have it",
    },
    Decided { option: "enable.idempotence", instead: "produce is always idempotent" },
    Decided { option: "transactional.id", instead: "produce does not write in transactions" },
    Decided { option: "delivery.report.only.error", instead: "every acknowledgement is counted" },
];

struct Acknowledgements {
    events: Events,
    reports: ChannelSender<Report>,
    partitioner: Option<JavaPartitioner>,
}

impl ClientContext for Acknowledgements {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.events.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.events.error(error, reason);
    }
}

impl ProducerContext<JavaPartitioner> for Acknowledgements {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, line: usize) {
        let fate = match result {
            Ok(message) => Fate::Acknowledged {
                partition: message.partition(),
                offset: message.offset(),
                bytes: size_of_record(message),
            },
            Err((error, _)) => failed(error),
        };
        // The sender outlives its client, except when the command already ended.
        let _ = self.reports.send(Report { line: LineNumber(line as u64), fate });
    }

    fn get_custom_partitioner(&self) -> Option<&JavaPartitioner> {
        self.partitioner.as_ref()
    }
}

/// Writes to one topic.
pub(super) struct Sender {
    producer: BaseProducer<Acknowledgements, JavaPartitioner>,
    reports: Receiver<Report>,
    // Kept so that the client's events have somewhere to go.
    _faults: Receiver<Fault>,
    topic: String,
    since_look: u32,
    pub(super) ledger: Ledger,
}

impl Sender {
    /// Makes the client. Nothing is sent yet.
    pub(super) fn open(cluster: &Cluster, topic: &str) -> Result<Self, Complaint> {
        let (events, faults) = Events::channel();
        let (sender, reports) = mpsc::channel();
        let mut options = cluster.options();
        options
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("allow.auto.create.topics", "false");
        for (key, value) in [
            // What Java's producer waits for an acknowledgement; the client's own default is 5
            // minutes.
            ("message.timeout.ms", "120000"),
            // A batch is worth waiting for: files are sent in bulk.
            ("linger.ms", "10"),
            // The client's default of 1 GB is more than the file of most people.
            ("queue.buffering.max.kbytes", "131072"),
        ] {
            if cluster.option(key).is_none() {
                options.set(key, value);
            }
        }
        let context = Acknowledgements {
            events,
            reports: sender,
            partitioner: cluster.option("partitioner").is_none().then_some(JavaPartitioner),
        };
        let producer =
            options.create_with_context(context).map_err(|error| explain_options(&error))?;
        Ok(Self {
            producer,
            reports,
            _faults: faults,
            topic: topic.to_owned(),
            since_look: 0,
            ledger: Ledger::default(),
        })
    }

    /// Sends one record, waiting for room if need be; gives up waiting when `stop` says so.
    pub(super) fn send(
        &mut self,
        line: LineNumber,
        draft: &Draft,
        stop: impl Fn() -> bool,
    ) -> Sent {
        loop {
            let refused = self.producer.send(self.record(line, draft)).map_err(|(error, _)| error);
            match refused {
                Ok(()) => {
                    self.ledger.sent(line);
                    self.since_look += 1;
                    if self.since_look >= RECORDS_PER_LOOK {
                        self.look(Duration::ZERO);
                    }
                    return Sent::Yes;
                }
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) => {
                    self.look(GLANCE);
                    if stop() || self.ledger.failed() > 0 {
                        return Sent::No;
                    }
                }
                Err(error) => {
                    self.ledger.sent(line);
                    self.ledger.close(Report { line, fate: failed(&error) });
                    return Sent::Yes;
                }
            }
        }
    }

    fn record<'a>(
        &'a self,
        line: LineNumber,
        draft: &'a Draft,
    ) -> BaseRecord<'a, [u8], [u8], usize> {
        let line = usize::try_from(line.0).expect("a file has fewer lines than memory has bytes");
        let mut record = BaseRecord::with_opaque_to(&self.topic, line);
        record.key = draft.key.as_deref();
        record.payload = draft.value.as_deref();
        record.partition = draft.partition;
        record.timestamp = draft.timestamp;
        if !draft.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(draft.headers.len());
            record.headers = Some(draft.headers.iter().fold(headers, |headers, (key, value)| {
                headers.insert(Header { key, value: value.as_ref() })
            }));
        }
        record
    }

    /// Collects acknowledgements.
    pub(super) fn look(&mut self, wait: Duration) {
        self.since_look = 0;
        self.producer.poll(wait);
        for report in self.reports.try_iter() {
            self.ledger.close(report);
        }
    }

    /// The error after which the client takes no more records; the records only say that they were
    /// dropped.
    pub(super) fn fatal(&self) -> Option<RDKafkaErrorCode> {
        self.producer.client().fatal_error().map(|(code, _)| code)
    }

    /// Waits until every record is acknowledged or failed, or until `stop` says so.
    pub(super) fn settle(&mut self, mut stop: impl FnMut() -> bool) {
        // Not lingering: nothing more will come.
        while self.ledger.open() > 0 && !stop() {
            // Flushing makes the client send at once; its timeout is not an error but the next
            // look.
            let _ = self.producer.flush(GLANCE);
            self.look(Duration::ZERO);
        }
    }
}

/// Whether a record was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Yes,
    /// Waiting for room was given up.
    No,
}

fn size_of_record(message: &impl Message) -> u64 {
    let key = message.key().map_or(0, <[u8]>::len);
    let value = message.payload().map_or(0, <[u8]>::len);
    (key + value) as u64
}

fn failed(error: &KafkaError) -> Fate {
    Fate::Failed { why: why(error), code: error.rdkafka_error_code() }
}

/// The client's word for a failure, and the setting where there is one.
fn why(error: &KafkaError) -> String {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            "the record is larger than message.max.bytes (of the client or of the topic)".to_owned()
        }
        Some(RDKafkaErrorCode::MessageTimedOut) => {
            "no answer within message.timeout.ms; it may be in the log".to_owned()
        }
        Some(RDKafkaErrorCode::UnknownPartition) => "there is no such partition".to_owned(),
        Some(RDKafkaErrorCode::PurgeQueue) => "not sent".to_owned(),
        Some(RDKafkaErrorCode::PurgeInflight) => "no answer yet; it may be in the log".to_owned(),
        Some(code) => code.to_string(),
        None => error.to_string(),
    }
}
