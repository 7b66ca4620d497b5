//! The consumer: subscription, rebalances, commits, seeks and the end, on one thread.
//!
//! Calls that change the assignment hand the change to librdkafka's main thread and wait for its
//! acknowledgement, never for a broker. A rebalance may be answered at any time after its event,
//! from outside of any callback.

use std::cell::Cell;
use std::ffi::c_char;
use std::marker::PhantomData;
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys as sys;
use surefoot_core::{Position, TopicPartition};

use super::admin::{self, Isolation, OffsetSpec, Stability};
use super::code::{Code, Failure, PerPartition};
use super::config::{ConfigError, NativeConfig};
use super::event::{Event, RawEvent};
use super::inner::Inner;
use super::list::PartitionList;
use super::queue::PartitionQueue;
use super::raw;
use super::signal::Waker;

/// What of librdkafka goes to the event queue.
const EVENTS: i32 = sys::RD_KAFKA_EVENT_REBALANCE
    | sys::RD_KAFKA_EVENT_OFFSET_COMMIT
    | sys::RD_KAFKA_EVENT_ERROR
    | sys::RD_KAFKA_EVENT_LOG;

/// A consumer in a group. Moves between threads, but belongs to one at a time.
///
/// Dropped before it is closed, it stays a member until its session times out.
pub(crate) struct Client {
    inner: Arc<Inner>,
    _one_thread: PhantomData<Cell<()>>,
}

/// How a group moves partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RebalanceProtocol {
    /// Not in a group, or not yet.
    None,
    /// All at once: `assign` and `unassign`.
    Eager,
    /// Only those that move: `incremental_assign` and `incremental_unassign`.
    Cooperative,
}

/// Where a partition is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StartAt {
    pub(crate) partition: TopicPartition,
    pub(crate) position: Position,
    /// The leader epoch of the record before it, where known: a log that was cut is then noticed.
    pub(crate) leader_epoch: Option<i32>,
}

/// One partition's part of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitEntry {
    pub(crate) partition: TopicPartition,
    pub(crate) position: Position,
    pub(crate) leader_epoch: Option<i32>,
    pub(crate) metadata: Option<String>,
}

impl Client {
    /// Makes a client and starts its threads. Brokers are not waited for.
    pub(crate) fn new(mut config: NativeConfig, waker: Waker) -> Result<Self, Failure> {
        config.set("log.queue", "true").map_err(refused)?;
        let mut text = [0 as c_char; raw::ERROR_TEXT_BYTES];
        // SAFETY: the configuration is alive, and librdkafka takes it over only when it returns a
        // client; otherwise it is ours again. The queue belongs to the client.
        unsafe {
            sys::rd_kafka_conf_set_events(config.as_ptr(), EVENTS);
            let conf = config.into_raw();
            let kind = sys::rd_kafka_type_t::RD_KAFKA_CONSUMER;
            let rk = sys::rd_kafka_new(kind, conf.as_ptr(), text.as_mut_ptr(), text.len());
            let Some(rk) = NonNull::new(rk) else {
                drop(NativeConfig::from_raw(conf));
                let message = raw::text(text.as_ptr());
                return Err(Failure { code: Code::INVALID_ARG, message });
            };
            // From here on errors and logs that were the main queue's are on the consumer's, and
            // polling it is what `max.poll.interval.ms` counts.
            let Some(events) = NonNull::new(sys::rd_kafka_queue_get_consumer(rk.as_ptr())) else {
                sys::rd_kafka_destroy(rk.as_ptr());
                let message = "`group.id` is not set".to_owned();
                return Err(Failure { code: Code::INVALID_ARG, message });
            };
            raw::poll_set_consumer(rk.as_ptr());
            raw::set_log_queue(rk.as_ptr(), events.as_ptr());
            let inner = Arc::new(Inner::new(rk, events, waker));
            Ok(Self { inner, _one_thread: PhantomData })
        }
    }

    /// Joins the group for these topics; a name that begins with `^` is a pattern.
    pub(crate) fn subscribe(&self, topics: &[&str]) -> Result<(), Failure> {
        let mut list = PartitionList::with_capacity(topics.len());
        for topic in topics {
            list.push_topic(topic);
        }
        // SAFETY: the client and the list are alive.
        done(unsafe { raw::subscribe(self.inner.rk(), list.as_ptr()) })
    }

    /// The next event, waiting for one at most this long. After `None` nothing is left, and a
    /// wake-up comes with the next one.
    ///
    /// Call it more often than `max.poll.interval.ms`: this is what keeps the member in the group.
    pub(crate) fn poll_event(&self, timeout: Duration) -> Option<Event> {
        let deadline = Instant::now() + timeout;
        loop {
            self.inner.event_signal().lower();
            let left = deadline.saturating_duration_since(Instant::now());
            // SAFETY: the queue is alive; the event is ours and is destroyed by its drop.
            let event =
                unsafe { sys::rd_kafka_queue_poll(self.inner.events(), raw::milliseconds(left)) };
            if event.is_null() {
                // librdkafka also returns null behind internal events that it served.
                // SAFETY: the queue is alive.
                let rest = unsafe { sys::rd_kafka_queue_length(self.inner.events()) };
                if rest == 0 {
                    return None;
                }
                continue;
            }
            self.inner.event_signal().raise();
            // SAFETY: the event came from this client.
            let Some(event) = (unsafe { RawEvent(event).read(self.inner.rk()) }) else {
                continue;
            };
            if matches!(event, Event::Assigned(_) | Event::Revoked { .. }) {
                self.inner.correct_positions();
            }
            return Some(event);
        }
    }

    /// Whether `poll_event` may have something.
    pub(crate) fn is_ready(&self) -> bool {
        self.inner.event_signal().is_ready()
    }

    /// How the group moves partitions now.
    pub(crate) fn rebalance_protocol(&self) -> RebalanceProtocol {
        // SAFETY: the client is alive; the text is static.
        let name = unsafe { raw::text(sys::rd_kafka_rebalance_protocol(self.inner.rk())) };
        match name.as_str() {
            "EAGER" => RebalanceProtocol::Eager,
            "COOPERATIVE" => RebalanceProtocol::Cooperative,
            _ => RebalanceProtocol::None,
        }
    }

    /// Adds partitions to the assignment and starts to read them; returns their queues, in order.
    ///
    /// Reading starts when no commit of this client is unanswered.
    pub(crate) fn incremental_assign(
        &self,
        starts: &[StartAt],
    ) -> Result<Vec<PartitionQueue>, Failure> {
        self.start(starts, |list| {
            // SAFETY: the client and the list are alive; the error is ours.
            unsafe { raw::take_error(sys::rd_kafka_incremental_assign(self.inner.rk(), list)) }
        })
    }

    /// Replaces the assignment; returns the queues, in order. For the eager protocol.
    pub(crate) fn assign(&self, starts: &[StartAt]) -> Result<Vec<PartitionQueue>, Failure> {
        // SAFETY: the client and the list are alive.
        self.start(starts, |list| done(unsafe { raw::assign(self.inner.rk(), list) }))
    }

    fn start(
        &self,
        starts: &[StartAt],
        assign: impl FnOnce(*mut sys::rd_kafka_topic_partition_list_t) -> Result<(), Failure>,
    ) -> Result<Vec<PartitionQueue>, Failure> {
        let mut list = PartitionList::with_capacity(starts.len());
        let mut queues = Vec::with_capacity(starts.len());
        for start in starts {
            // Before: otherwise the partition's first records would go to the event queue.
            let queue = PartitionQueue::detach(&self.inner, &start.partition)
                .ok_or_else(|| unknown(&start.partition))?;
            queue.signal().moved(start.position, start.leader_epoch);
            list.push_at(&start.partition, start.position.get(), start.leader_epoch);
            queues.push(queue);
        }
        assign(list.as_ptr())?;
        for (queue, start) in queues.iter_mut().zip(starts) {
            if !queue.detach_again() {
                return Err(unknown(&start.partition));
            }
        }
        Ok(queues)
    }

    /// Takes partitions out of the assignment. Drop their queues before or after.
    pub(crate) fn incremental_unassign(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<(), Failure> {
        let list = PartitionList::of(partitions.iter());
        // SAFETY: the client and the list are alive; the error is ours.
        unsafe {
            raw::take_error(sys::rd_kafka_incremental_unassign(self.inner.rk(), list.as_ptr()))
        }
    }

    /// Empties the assignment. For the eager protocol.
    pub(crate) fn unassign(&self) -> Result<(), Failure> {
        // SAFETY: the client is alive; null stands for no partitions.
        done(unsafe { raw::assign(self.inner.rk(), ptr::null()) })
    }

    /// Goes on reading elsewhere. What was read before and not returned yet is gone when this
    /// returns.
    ///
    /// Waits for librdkafka's main thread and for no broker; `timeout` bounds that wait. A timeout
    /// or a partition that is not being read yet ([`Code::STATE`]) leaves the outcome open: ask
    /// again.
    pub(crate) fn seek(
        &self,
        targets: &[StartAt],
        timeout: Duration,
    ) -> Result<PerPartition<()>, Failure> {
        let mut list = PartitionList::with_capacity(targets.len());
        for target in targets {
            list.push_at(&target.partition, target.position.get(), target.leader_epoch);
            let signal = self.inner.signal(&target.partition);
            signal.moved(target.position, target.leader_epoch);
        }
        let timeout = raw::milliseconds(timeout).max(1);
        // SAFETY: the client and the list are alive; the error is ours.
        unsafe {
            raw::take_error(sys::rd_kafka_seek_partitions(
                self.inner.rk(),
                list.as_ptr(),
                timeout,
            ))?;
        }
        Ok(list.results())
    }

    /// Stores positions in the group, in one request; answered by [`Event::CommitEnded`] with
    /// `opaque`.
    ///
    /// While the coordinator is away librdkafka keeps the request, for `session.timeout.ms` at
    /// most, and then sends it with the generation that it has by then.
    pub(crate) fn commit(&self, opaque: u64, entries: &[CommitEntry]) -> Result<(), Failure> {
        let mut list = PartitionList::with_capacity(entries.len());
        for entry in entries {
            list.push_at(&entry.partition, entry.position.get(), entry.leader_epoch);
        }
        let metadata: Vec<_> = entries.iter().map(|entry| entry.metadata.as_deref()).collect();
        let code = list.with_metadata(&metadata, |list| {
            // SAFETY: the client, the list and the queue are alive; there is no callback, and the
            // opaque is a number that is never followed.
            unsafe {
                raw::commit_queue(
                    self.inner.rk(),
                    list,
                    self.inner.events(),
                    ptr::null(),
                    admin::number(opaque),
                )
            }
        });
        done(code)
    }

    /// Asks what a group stores; answered by [`Event::CommittedOffsets`].
    pub(crate) fn committed_offsets(
        &self,
        opaque: u64,
        group: &str,
        partitions: &[TopicPartition],
        stability: Stability,
        timeout: Duration,
    ) -> Result<(), Failure> {
        admin::ask_committed_offsets(&self.inner, opaque, group, partitions, stability, timeout)
    }

    /// Asks for places in the log; answered by [`Event::ListedOffsets`].
    pub(crate) fn list_offsets(
        &self,
        opaque: u64,
        partitions: &[(TopicPartition, OffsetSpec)],
        isolation: Isolation,
        timeout: Duration,
    ) -> Result<(), Failure> {
        admin::ask_list_offsets(&self.inner, opaque, partitions, isolation, timeout)
    }

    /// Asks for topics' ids and partition counts; answered by [`Event::DescribedTopics`].
    pub(crate) fn describe_topics(&self, opaque: u64, topics: &[&str], timeout: Duration) {
        admin::ask_describe_topics(&self.inner, opaque, topics, timeout);
    }

    /// The name that the coordinator gave this member. It changes when the group went on without
    /// it, also where librdkafka says nothing of that.
    pub(crate) fn member_id(&self) -> String {
        // SAFETY: the client is alive; the text is ours to free.
        unsafe {
            let id = sys::rd_kafka_memberid(self.inner.rk());
            let text = raw::text(id);
            if !id.is_null() {
                sys::rd_kafka_mem_free(self.inner.rk(), id.cast());
            }
            text
        }
    }

    /// Why the client cannot go on, behind a fault that says only that it cannot.
    pub(crate) fn fatal_error(&self) -> Option<Failure> {
        let mut text = [0 as c_char; raw::ERROR_TEXT_BYTES];
        // SAFETY: the client is alive; librdkafka writes a C string of at most the text's length.
        unsafe {
            let code = raw::fatal_error(self.inner.rk(), text.as_mut_ptr(), text.len());
            Some(Failure { code: Code::from_raw(code)?, message: raw::text(text.as_ptr()) })
        }
    }

    /// Begins to leave the group: gives back all partitions, for which `Revoked` still comes and
    /// wants its answer, waits for commits and leaves. Poll until [`is_closed`](Self::is_closed).
    ///
    /// Fails after a fatal error, when there is nothing to leave: drop the client.
    pub(crate) fn begin_close(&self) -> Result<(), Failure> {
        // SAFETY: the client and its queue are alive; the error is ours.
        unsafe {
            raw::take_error(sys::rd_kafka_consumer_close_queue(
                self.inner.rk(),
                self.inner.events(),
            ))
        }
    }

    /// Whether the group was left and the client may be dropped.
    pub(crate) fn is_closed(&self) -> bool {
        // SAFETY: the client is alive.
        unsafe { sys::rd_kafka_consumer_closed(self.inner.rk()) != 0 }
    }

    /// Gives up on a client that does not close: its threads and memory stay until the process
    /// ends.
    pub(crate) fn leak(self) {
        mem::forget(self);
    }
}

/// The result of a call that returns a code.
fn done(code: i32) -> Result<(), Failure> {
    Code::from_raw(code).map_or(Ok(()), |code| Err(Failure { code, message: code.description() }))
}

fn unknown(partition: &TopicPartition) -> Failure {
    let TopicPartition { topic, partition } = partition;
    Failure {
        code: Code::UNKNOWN_PARTITION,
        message: format!("`{topic}[{partition}]` is not a partition"),
    }
}

fn refused(error: ConfigError) -> Failure {
    Failure { code: Code::INVALID_ARG, message: error.to_string() }
}
