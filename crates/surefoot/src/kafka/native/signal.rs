//! Wake-ups: how librdkafka's threads tell ours that a queue has something.
//!
//! librdkafka calls back when a queue goes from empty to not empty, with the queue's lock held, on
//! whichever of its threads put the first thing in. A signal therefore sets a flag and calls a
//! waker that must not come back into the client. The flag makes the edge a level: it stays up
//! until the reader has seen the queue empty.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering};

use rdkafka_sys as sys;
use surefoot_core::Position;

/// Unparks the thread that reads the queues. It runs on librdkafka's threads with a lock held: it
/// must be quick, must not call the client and must not panic.
pub(crate) type Waker = Arc<dyn Fn() + Send + Sync>;

/// One queue's flag, and what is known of the partition behind it.
pub(super) struct Signal {
    waker: Waker,
    ready: AtomicBool,
    /// The next position to return to the reader; negative before it is known.
    position: AtomicI64,
    /// The leader epoch of the last record before it; negative when unknown.
    leader_epoch: AtomicI32,
    /// The position that librdkafka holds instead, because it counted an error as a record; zero
    /// when it holds the true one.
    inflated: AtomicI64,
}

impl Signal {
    pub(super) fn new(waker: Waker) -> Self {
        Self {
            waker,
            // Something may have been put in before the callback was set.
            ready: AtomicBool::new(true),
            position: AtomicI64::new(-1),
            leader_epoch: AtomicI32::new(-1),
            inflated: AtomicI64::new(0),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Lowers the flag before a read; what is put in from here on raises it again.
    pub(super) fn lower(&self) {
        self.ready.store(false, Ordering::Release);
    }

    /// Raises the flag after a read that may have left something.
    pub(super) fn raise(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// The partition goes on from here: it was assigned, or sought.
    pub(super) fn moved(&self, position: Position, leader_epoch: Option<i32>) {
        self.position.store(position.get(), Ordering::Relaxed);
        self.leader_epoch.store(leader_epoch.unwrap_or(-1), Ordering::Relaxed);
        self.inflated.store(0, Ordering::Relaxed);
        self.raise();
    }

    /// A record at `offset` was returned to the reader.
    pub(super) fn passed(&self, offset: i64) {
        self.position.store(offset + 1, Ordering::Relaxed);
        if self.inflated.load(Ordering::Relaxed) <= offset + 1 {
            self.inflated.store(0, Ordering::Relaxed);
        }
    }

    /// The leader epoch of the last record returned.
    pub(super) fn set_leader_epoch(&self, leader_epoch: Option<i32>) {
        self.leader_epoch.store(leader_epoch.unwrap_or(-1), Ordering::Relaxed);
    }

    /// An error message was returned to the reader, which librdkafka counts as a record at its
    /// offset (often none, a large negative number).
    pub(super) fn miscounted(&self, offset: i64, end: Option<Position>) {
        if let Some(end) = end {
            self.position.store(end.get(), Ordering::Relaxed);
        }
        let inflated = (offset + 1).max(1).max(self.inflated.load(Ordering::Relaxed));
        self.inflated.store(inflated, Ordering::Relaxed);
    }

    /// Where librdkafka must be sent back to before it goes on after a pause, if it miscounted.
    pub(super) fn misplaced(&self) -> Option<(Position, Option<i32>)> {
        let position = self.position.load(Ordering::Relaxed);
        if self.inflated.load(Ordering::Relaxed) == 0 || position < 0 {
            return None;
        }
        let leader_epoch = self.leader_epoch.load(Ordering::Relaxed);
        Some((Position::new(position), (leader_epoch >= 0).then_some(leader_epoch)))
    }

    /// Has librdkafka call this signal for `queue`.
    ///
    /// # Safety
    ///
    /// `queue` is alive, and this signal outlives the underlying queue, not only this handle to it.
    pub(super) unsafe fn attach(self: &Arc<Self>, queue: *mut sys::rd_kafka_queue_t) {
        let opaque = Arc::as_ptr(self).cast_mut().cast::<c_void>();
        // SAFETY: the queue is alive; the caller keeps the signal alive for the callback.
        unsafe { sys::rd_kafka_queue_cb_event_enable(queue, Some(wake), opaque) };
    }

    /// Stops the callbacks of `queue`. They run with the queue's lock held, as this does: none is
    /// running when it returns.
    ///
    /// # Safety
    ///
    /// `queue` is alive.
    pub(super) unsafe fn detach(queue: *mut sys::rd_kafka_queue_t) {
        // SAFETY: vouched for by the caller.
        unsafe { sys::rd_kafka_queue_cb_event_enable(queue, None, ptr::null_mut()) };
    }
}

unsafe extern "C" fn wake(_rk: *mut sys::rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: `attach` was called with a signal that outlives the queue.
    let signal = unsafe { &*opaque.cast::<Signal>() };
    signal.raise();
    (signal.waker)();
}
