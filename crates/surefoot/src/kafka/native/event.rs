//! Everything but records that comes from librdkafka, copied out of its memory.
//!
//! Nothing is decided here. A rebalance waits in librdkafka until it is answered; an answer to a
//! request names the request by the number that was given with it.

use rdkafka_sys as sys;
use surefoot_core::{Committed, Position, TopicPartition};

use super::admin;
use super::code::{Code, Failure, PerPartition};
use super::list::{self, Element};
use super::{log, raw};

/// One event.
#[derive(Debug)]
pub(crate) enum Event {
    /// The group assigned these partitions, possibly none. Answer with `incremental_assign`, or
    /// `assign` under the eager protocol.
    Assigned(Vec<TopicPartition>),
    /// The group takes these partitions. Answer with `incremental_unassign`, or `unassign` under
    /// the eager protocol.
    Revoked {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// They are gone already: commits for them will be refused.
        lost: bool,
    },
    /// A commit ended.
    CommitEnded {
        /// The number given with the commit.
        opaque: u64,
        /// The error of the whole request.
        error: Option<Code>,
        /// The outcome of each partition.
        partitions: Vec<CommitResult>,
    },
    /// Something went wrong that no request asked for.
    Fault(Fault),
    /// Answers `committed_offsets`: `None` where the group stores nothing.
    CommittedOffsets {
        /// The number given with the request.
        opaque: u64,
        /// Each partition's result.
        result: Result<PerPartition<Option<Committed>>, Failure>,
    },
    /// Answers `list_offsets`.
    ListedOffsets {
        /// The number given with the request.
        opaque: u64,
        /// Each partition's result.
        result: Result<PerPartition<LogOffset>, Failure>,
    },
    /// Answers `describe_topics`.
    DescribedTopics {
        /// The number given with the request.
        opaque: u64,
        /// Each topic's result.
        result: Result<Vec<TopicDescription>, Failure>,
    },
}

/// The outcome of a commit for one partition.
#[derive(Debug)]
pub(crate) struct CommitResult {
    pub(crate) partition: TopicPartition,
    /// The position that was to be stored.
    pub(crate) position: Position,
    pub(crate) error: Option<Code>,
}

/// A fault of the client, of a broker, or of a partition.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    /// The client cannot go on: it must be closed.
    pub(crate) fatal: bool,
    /// librdkafka's own words.
    pub(crate) message: String,
    /// The partition that it concerns.
    pub(crate) partition: Option<TopicPartition>,
}

/// An offset of the log, looked up by what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogOffset {
    /// The position; `None` when no record is that young.
    pub(crate) position: Option<Position>,
    /// The leader epoch at that position.
    pub(crate) leader_epoch: Option<i32>,
    /// The timestamp of the record there; `None` where the lookup was not by time.
    pub(crate) timestamp: Option<i64>,
}

/// A topic as the cluster knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicDescription {
    pub(crate) topic: String,
    pub(crate) result: Result<TopicFacts, Failure>,
}

/// What the cluster says of a topic that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopicFacts {
    /// The topic's id (KIP-516); `None` from brokers that have none.
    pub(crate) id: Option<[u8; 16]>,
    /// How many partitions it has.
    pub(crate) partitions: usize,
}

/// An event that librdkafka handed over; destroyed when dropped.
pub(super) struct RawEvent(pub(super) *mut sys::rd_kafka_event_t);

impl RawEvent {
    /// Copies the event. `None` for a log line, which is emitted, and for kinds nobody asked for.
    ///
    /// # Safety
    ///
    /// `rk` is the client that the event came from; both are alive.
    pub(super) unsafe fn read(&self, rk: *mut sys::rd_kafka_t) -> Option<Event> {
        let event = self.0;
        // SAFETY: the event is alive for all of these, and each reader matches its kind.
        unsafe {
            match sys::rd_kafka_event_type(event) {
                sys::RD_KAFKA_EVENT_LOG => {
                    log::emit(event);
                    None
                }
                sys::RD_KAFKA_EVENT_REBALANCE => Some(self.rebalance(rk)),
                sys::RD_KAFKA_EVENT_OFFSET_COMMIT => Some(self.commit()),
                sys::RD_KAFKA_EVENT_ERROR => self.fault(),
                sys::RD_KAFKA_EVENT_FETCH => Some(stray_record()),
                sys::RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT => {
                    let result = self.answer(|| admin::committed_offsets(event));
                    Some(Event::CommittedOffsets { opaque: self.opaque(), result })
                }
                sys::RD_KAFKA_EVENT_LISTOFFSETS_RESULT => {
                    let result = self.answer(|| Ok(admin::listed_offsets(event)));
                    Some(Event::ListedOffsets { opaque: self.opaque(), result })
                }
                sys::RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT => {
                    let result = self.answer(|| Ok(admin::described_topics(event)));
                    Some(Event::DescribedTopics { opaque: self.opaque(), result })
                }
                _ => None,
            }
        }
    }

    /// # Safety
    ///
    /// As for `read`; the event is a rebalance.
    unsafe fn rebalance(&self, rk: *mut sys::rd_kafka_t) -> Event {
        // SAFETY: vouched for by the caller.
        unsafe {
            let elements = list::copy_list(sys::rd_kafka_event_topic_partition_list(self.0));
            let partitions = elements.into_iter().map(|it| it.partition).collect();
            if raw::event_error(self.0)
                == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS as i32
            {
                return Event::Assigned(partitions);
            }
            Event::Revoked { partitions, lost: sys::rd_kafka_assignment_lost(rk) != 0 }
        }
    }

    /// # Safety
    ///
    /// The event is alive and the end of a commit.
    unsafe fn commit(&self) -> Event {
        // SAFETY: vouched for by the caller.
        unsafe {
            let elements = list::copy_list(sys::rd_kafka_event_topic_partition_list(self.0));
            Event::CommitEnded {
                opaque: self.opaque(),
                error: Code::from_raw(raw::event_error(self.0)),
                partitions: elements.into_iter().map(commit_result).collect(),
            }
        }
    }

    /// # Safety
    ///
    /// The event is alive and an error.
    unsafe fn fault(&self) -> Option<Event> {
        // SAFETY: vouched for by the caller. The partition, if any, is ours to destroy.
        unsafe {
            let code = Code::from_raw(raw::event_error(self.0))?;
            let partition = sys::rd_kafka_event_topic_partition(self.0);
            let copy = (!partition.is_null()).then(|| list::copy_element(partition).partition);
            if !partition.is_null() {
                sys::rd_kafka_topic_partition_destroy(partition);
            }
            Some(Event::Fault(Fault {
                code,
                fatal: sys::rd_kafka_event_error_is_fatal(self.0) != 0,
                message: raw::text(sys::rd_kafka_event_error_string(self.0)),
                partition: copy,
            }))
        }
    }

    /// The number given with the request that this event answers.
    fn opaque(&self) -> u64 {
        // SAFETY: the event is alive. The pointer is a number and never followed.
        unsafe { sys::rd_kafka_event_opaque(self.0) }.addr() as u64
    }

    /// The answer to a request, unless all of it failed.
    fn answer<T>(&self, read: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        // SAFETY: the event is alive; the text lives as long and is copied.
        unsafe {
            match Code::from_raw(raw::event_error(self.0)) {
                None => read(),
                Some(code) => {
                    let message = raw::text(sys::rd_kafka_event_error_string(self.0));
                    Err(Failure { code, message })
                }
            }
        }
    }
}

impl Drop for RawEvent {
    fn drop(&mut self) {
        // SAFETY: owned, and destroyed once, before the client.
        unsafe { sys::rd_kafka_event_destroy(self.0) };
    }
}

fn commit_result(element: Element) -> CommitResult {
    CommitResult {
        partition: element.partition,
        position: Position::new(element.offset),
        error: element.error,
    }
}

/// librdkafka counts this record as read, and nobody has it.
fn stray_record() -> Event {
    Event::Fault(Fault {
        code: Code::STATE,
        fatal: true,
        message: "a record came on the event queue: its partition was not detached".to_owned(),
        partition: None,
    })
}
