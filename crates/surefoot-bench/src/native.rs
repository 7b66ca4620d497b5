//! The bare partition-queue reader: librdkafka's fastest way to read, and nothing else.
//!
//! It is what Surefoot's reader is built on, so it is the floor that everything added is measured
//! from. `rdkafka` has no safe face for reading a partition's queue in batches, so this is unsafe
//! code. It relies on three things: a queue's handle is destroyed before the consumer that it
//! borrows; a message that a batch returned is read and destroyed once, before the next call; a
//! payload is lent only for the call that touches it.

#![expect(unsafe_code, reason = "the safe face lacks reading a partition's queue in batches")]

use std::ffi::{CString, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::slice;

use anyhow::{Context, Result};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka_sys as sys;

/// One partition's records, apart from the consumer's own queue.
pub(crate) struct BareQueue<'a> {
    queue: NonNull<sys::rd_kafka_queue_t>,
    batch: Vec<*mut sys::rd_kafka_message_t>,
    /// The position behind the last record that was read, if any was.
    next: Option<i64>,
    _consumer: PhantomData<&'a ()>,
}

impl<'a> BareQueue<'a> {
    /// Takes a partition's queue out of the consumer's. Done before the partition is assigned, so
    /// that no record takes the other way.
    pub(crate) fn detach<C: ConsumerContext>(
        consumer: &'a BaseConsumer<C>,
        topic: &str,
        partition: i32,
    ) -> Result<Self> {
        let topic = CString::new(topic)?;
        let client = consumer.client().native_ptr();
        // SAFETY: the client is alive while it is borrowed. Forwarding to null detaches.
        let queue = unsafe {
            let queue = sys::rd_kafka_queue_get_partition(client, topic.as_ptr(), partition);
            let queue = NonNull::new(queue).context("the partition has no queue")?;
            sys::rd_kafka_queue_forward(queue.as_ptr(), ptr::null_mut());
            queue
        };
        Ok(Self { queue, batch: Vec::new(), next: None, _consumer: PhantomData })
    }

    /// Touches what is there, at most `max` records, without waiting; returns how many messages
    /// came, be they records or news.
    pub(crate) fn consume(&mut self, max: usize, mut touch: impl FnMut(Option<&[u8]>)) -> usize {
        self.batch.clear();
        self.batch.reserve(max);
        // SAFETY: the queue is alive, and the vector has room for `max` pointers, as many of which
        // are written as the call returns.
        unsafe {
            let room = self.batch.as_mut_ptr();
            let count =
                sys::rd_kafka_consume_batch_queue(self.queue.as_ptr(), 0 as c_int, room, max);
            self.batch.set_len(usize::try_from(count).unwrap_or_default());
        }
        for &message in &self.batch {
            // SAFETY: a message of this batch, which is alive until it is destroyed below. Its
            // error is read as a number, as Rust's enum may not know it. A payload that is not
            // null has `len` bytes.
            unsafe {
                if (&raw const (*message).err).cast::<c_int>().read() == 0 {
                    let payload = (*message).payload.cast::<u8>();
                    let length = (*message).len;
                    touch((!payload.is_null()).then(|| slice::from_raw_parts(payload, length)));
                    self.next = Some((*message).offset + 1);
                }
                sys::rd_kafka_message_destroy(message);
            }
        }
        self.batch.len()
    }

    /// The position behind the last record that was read, if any was.
    pub(crate) fn next(&self) -> Option<i64> {
        self.next
    }
}

impl Drop for BareQueue<'_> {
    fn drop(&mut self) {
        // SAFETY: owned, and destroyed once, while the consumer is still borrowed.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}
