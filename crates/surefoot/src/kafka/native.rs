//! The native client: everything of the project that is not checked by the compiler.
//!
//! librdkafka is used through its C entry points, because three things that a guarantee needs are
//! missing from its safe Rust face: partitions read apart and in batches, commits whose answer
//! names the request, and rebalances answered later than they are told. One event queue carries
//! everything but records ([`Client::poll_event`]); records are read per partition
//! ([`PartitionQueue`]).
//!
//! # Invariants
//!
//! 1. *Lifetime.* [`Inner`](inner::Inner) owns the `rd_kafka_t`. Whoever can reach it (client,
//!    partition queue, every batch of messages) holds a count of the `Arc`, so that
//!    `rd_kafka_destroy` runs after the last of them is gone. It would wait for ever for a message
//!    that is still held. It runs on a thread of its own, because it joins librdkafka's threads.
//! 2. *Callbacks.* The only C callback is the wake-up of a queue. librdkafka calls it on its own
//!    threads with that queue's lock held, so it may set a flag and unpark a thread and nothing
//!    else. What it points to lives in `Inner` and outlives every queue.
//! 3. *Wake-ups are edges.* A wake-up comes when a queue goes from empty to not empty, and only
//!    then. A reader that leaves something in a queue must come back by itself: `poll_event` until
//!    `None`; [`PartitionQueue::consume`] until it returns less than asked for, and
//!    [`PartitionQueue::is_ready`] remembers that it did not.
//! 4. *Records never pass through the event queue.* Partition queues are detached before the
//!    partition is assigned; librdkafka then leaves them detached. A record that shows up on the
//!    event queue all the same would be lost, and is a fatal error.
//! 5. *One thread.* [`Client`] and [`PartitionQueue`] cannot be shared between threads, and belong
//!    on the same one. librdkafka writes the position behind a batch when it returns the batch; a
//!    seek on another thread at that moment would be undone.
//! 6. *Error codes are integers.* A broker may answer with a code that this version does not know.
//!    The bindings declare a Rust enum, so every code is read as an `i32` ([`Code`]).
//! 7. *librdkafka 2.12.1 counts an error message as a record* when it is read in a batch: after
//!    an end-of-partition message at N it takes N + 1 for the position, and the next pause, which
//!    every rebalance brings, would skip record N (confluentinc/librdkafka#4844). Partition queues
//!    remember the true position, and the client seeks back to it whenever librdkafka has paused.
//!
//! # What a rebalance does
//!
//! Seen with librdkafka 2.12.1 and Apache Kafka 4.3.1, under the cooperative protocol.
//!
//! * While a rebalance event is not answered librdkafka fetches nothing, of any partition, and what
//!   it had fetched is gone. An unanswered assignment also holds up the group's next rebalance;
//!   after `max.poll.interval.ms` the group goes on without this member and librdkafka says so only
//!   when it is answered. So an assignment is best answered at once with nothing, which lets the
//!   kept partitions go on, and filled in by further `incremental_assign`s as starts are found. A
//!   revocation is then answered with those of its partitions that were added.
//! * A revocation may be answered late. Heartbeats and commits go on meanwhile; the group waits
//!   only under the eager protocol, for `max.poll.interval.ms`.
//! * A member id that is empty says that the group went on without this member, also where no
//!   `Revoked { lost: true }` came, because librdkafka tells of no loss while a rebalance is open.
//! * Partitions are started only while no commit of the client is unanswered.
//! * After `_AUTO_OFFSET_RESET` librdkafka no longer reads the partition, and refuses to
//!   seek it: take it out of the assignment and add it again.

#![expect(
    unsafe_code,
    reason = "librdkafka has no safe face for detached partition queues, commits with an opaque \
              and rebalances that are answered later"
)]

mod admin;
mod client;
mod code;
mod config;
mod event;
mod inner;
mod list;
mod log;
mod message;
mod queue;
mod raw;
mod signal;

pub(crate) use admin::{Isolation, OffsetSpec, Stability};
pub(crate) use client::{Client, CommitEntry, RebalanceProtocol, StartAt};
pub(crate) use code::{Code, Failure};
pub(crate) use config::{ConfigError, NativeConfig};
pub(crate) use event::{CommitResult, Event, Fault, LogOffset, TopicDescription, TopicFacts};
pub(crate) use message::NativeMessage;
pub(crate) use queue::PartitionQueue;
pub(crate) use signal::Waker;
