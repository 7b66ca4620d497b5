//! The client's C objects and their end.
//!
//! librdkafka waits in `rd_kafka_destroy` for every message that is still held, and messages are
//! held by handlers for as long as they like. So the end is not a call but a count: the last
//! holder, whoever it is, starts a thread that destroys the client. Nobody waits for it.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rdkafka_sys as sys;
use surefoot_core::TopicPartition;

use super::list::PartitionList;
use super::signal::{Signal, Waker};

pub(super) struct Inner {
    rk: NonNull<sys::rd_kafka_t>,
    events: NonNull<sys::rd_kafka_queue_t>,
    waker: Waker,
    event_signal: Arc<Signal>,
    /// One signal per partition that was ever read: librdkafka keeps a pointer to it.
    signals: Mutex<BTreeMap<TopicPartition, Arc<Signal>>>,
}

// SAFETY: `rd_kafka_t` and its queues may be used from any thread (rdkafka.h, "thread-safe");
// everything else in here is `Send` and `Sync` by itself.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Inner {
    /// Takes over a client and its consumer queue.
    ///
    /// # Safety
    ///
    /// Both are alive, belong together, and nobody else will destroy them.
    pub(super) unsafe fn new(
        rk: NonNull<sys::rd_kafka_t>,
        events: NonNull<sys::rd_kafka_queue_t>,
        waker: Waker,
    ) -> Self {
        let event_signal = Arc::new(Signal::new(Arc::clone(&waker)));
        // SAFETY: the signal lives in this value, which detaches it before it ends.
        unsafe { event_signal.attach(events.as_ptr()) };
        Self { rk, events, waker, event_signal, signals: Mutex::default() }
    }

    pub(super) fn rk(&self) -> *mut sys::rd_kafka_t {
        self.rk.as_ptr()
    }

    pub(super) fn events(&self) -> *mut sys::rd_kafka_queue_t {
        self.events.as_ptr()
    }

    pub(super) fn event_signal(&self) -> &Signal {
        &self.event_signal
    }

    /// The signal of a partition, made when it is first asked for.
    pub(super) fn signal(&self, partition: &TopicPartition) -> Arc<Signal> {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signal) = signals.get(partition) {
            return Arc::clone(signal);
        }
        let signal = Arc::new(Signal::new(Arc::clone(&self.waker)));
        signals.insert(partition.clone(), Arc::clone(&signal));
        signal
    }

    /// Sends librdkafka back to the true position of every partition where it miscounted.
    ///
    /// Called after each pause, which every rebalance begins with: it takes the counted position
    /// for the one to go on from. A seek that meets a partition which is not assigned is dropped by
    /// librdkafka.
    pub(super) fn correct_positions(&self) {
        let mut list = PartitionList::with_capacity(0);
        let mut corrected = false;
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        for (partition, signal) in signals.iter() {
            if let Some((position, leader_epoch)) = signal.misplaced() {
                list.push_at(partition, position.get(), leader_epoch);
                signal.moved(position, leader_epoch);
                corrected = true;
            }
        }
        if corrected {
            // SAFETY: the client and the list are alive. Without a timeout the call only enqueues
            // and returns null.
            unsafe { sys::rd_kafka_seek_partitions(self.rk(), list.as_ptr(), 0) };
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Joining librdkafka's threads takes as long as their sockets do, and this may be a
        // handler's thread that dropped its last record.
        let signals = self.signals.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Not dropped where no thread starts: librdkafka would still call the signals.
        let end = ManuallyDrop::new(End {
            rk: self.rk,
            events: self.events,
            _event_signal: Arc::clone(&self.event_signal),
            _signals: std::mem::take(signals),
        });
        let run = move || ManuallyDrop::into_inner(end).run();
        if thread::Builder::new().name("kafka-end".to_owned()).spawn(run).is_err() {
            tracing::warn!("no thread to end the kafka client on: its memory is not given back");
        }
    }
}

struct End {
    rk: NonNull<sys::rd_kafka_t>,
    events: NonNull<sys::rd_kafka_queue_t>,
    _event_signal: Arc<Signal>,
    _signals: BTreeMap<TopicPartition, Arc<Signal>>,
}

// SAFETY: as for `Inner`; it is used by one thread.
unsafe impl Send for End {}

impl End {
    fn run(self) {
        // SAFETY: the last holder is gone, so nothing that belongs to the client is used any more.
        // The queue must go first. The signals are dropped after this, when no callback is left.
        unsafe {
            Signal::detach(self.events.as_ptr());
            sys::rd_kafka_queue_destroy(self.events.as_ptr());
            sys::rd_kafka_destroy_flags(
                self.rk.as_ptr(),
                sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE,
            );
        }
    }
}
