//! Reads the records of one partition, apart from all others.
//!
//! Not reading a partition is all the backpressure there is: its queue fills up to librdkafka's
//! limits and stays valid. Every rebalance empties it all the same (librdkafka pauses and resumes
//! whatever is assigned) and reads again from the position that was returned last, so records that
//! were in a batch at that moment may come twice within one assignment.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka_sys as sys;
use surefoot_core::TopicPartition;

use super::inner::Inner;
use super::message::{Loan, NativeMessage};
use super::raw;
use super::signal::Signal;

/// The records of one assigned partition, read on the thread that owns the client.
pub(crate) struct PartitionQueue {
    queue: NonNull<sys::rd_kafka_queue_t>,
    signal: Arc<Signal>,
    partition: TopicPartition,
    /// Room for the pointers of one batch, kept between calls.
    batch: Vec<*mut sys::rd_kafka_message_t>,
    client: Arc<Inner>,
    _one_thread: PhantomData<*mut ()>,
}

impl PartitionQueue {
    /// Takes a partition's queue out of the event queue, before or after it is assigned.
    /// `None` for a partition that librdkafka cannot make, such as one with a negative number.
    pub(super) fn detach(client: &Arc<Inner>, partition: &TopicPartition) -> Option<Self> {
        let topic = raw::c_name(&partition.topic);
        if topic.is_empty() || partition.partition < 0 {
            return None;
        }
        // SAFETY: the client is alive. The handle that is returned is destroyed by our `Drop`
        // before the client ends. Forwarding to null detaches.
        let queue = unsafe {
            let queue =
                sys::rd_kafka_queue_get_partition(client.rk(), topic.as_ptr(), partition.partition);
            let queue = NonNull::new(queue)?;
            sys::rd_kafka_queue_forward(queue.as_ptr(), ptr::null_mut());
            queue
        };
        let signal = client.signal(partition);
        // SAFETY: the client keeps the signal until its own end, past every queue.
        unsafe { signal.attach(queue.as_ptr()) };
        Some(Self {
            queue,
            signal,
            partition: partition.clone(),
            batch: Vec::new(),
            client: Arc::clone(client),
            _one_thread: PhantomData,
        })
    }

    /// Detaches once more, in case the partition was made anew while it was being assigned.
    pub(super) fn detach_again(&mut self) -> bool {
        let Some(again) = Self::detach(&self.client, &self.partition) else {
            return false;
        };
        *self = again;
        true
    }

    pub(super) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Whether there may be something to read. `false` is certain until the next wake-up.
    pub(crate) fn is_ready(&self) -> bool {
        self.signal.is_ready()
    }

    /// Appends what is there, at most `max` messages, without waiting; returns how many.
    ///
    /// Messages are records, or errors in their place; see [`NativeMessage::error`]. Fewer than
    /// `max` means that the queue was seen empty, and that a wake-up will follow.
    pub(crate) fn consume(&mut self, max: usize, into: &mut Vec<NativeMessage>) -> usize {
        self.signal.lower();
        self.batch.clear();
        self.batch.reserve(max);
        // SAFETY: the queue is alive, and the vector has room for `max` pointers.
        let count = unsafe {
            sys::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                0 as c_int,
                self.batch.as_mut_ptr(),
                max,
            )
        };
        let count = usize::try_from(count).unwrap_or_default();
        if count == max {
            self.signal.raise();
        }
        if count == 0 {
            return 0;
        }
        // SAFETY: librdkafka wrote this many pointers.
        unsafe { self.batch.set_len(count) };
        let loan = Loan::new(Arc::clone(&self.client), count);
        into.reserve(count);
        let mut last = None;
        for &message in &self.batch {
            let message = NonNull::new(message).expect("librdkafka returns messages, not nulls");
            // SAFETY: a message of this batch, taken once; the loan counts `count` of them.
            let message = unsafe { NativeMessage::new(message, loan) };
            if message.error().is_none() {
                last = Some(message.raw_offset());
            } else {
                if let Some(last) = last.take() {
                    self.signal.passed(last);
                }
                self.signal.miscounted(message.raw_offset(), message.end());
            }
            into.push(message);
        }
        if let Some(last) = last {
            self.signal.passed(last);
        }
        if let Some(last) = into[into.len() - count..].iter().rfind(|it| it.error().is_none()) {
            self.signal.set_leader_epoch(last.leader_epoch());
        }
        count
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: owned, and destroyed once; the client is still alive. The wake-up stays set: a
        // newer queue of the same partition may rely on it, and its signal lives in the client.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}
