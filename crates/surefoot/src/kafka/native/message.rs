//! A record, or an error in place of one, in librdkafka's own memory.
//!
//! Nothing is copied: key, payload and headers point into the response in which the record came.
//! So one record that is kept pins the whole response, up to `fetch.message.max.bytes` a partition
//! and `fetch.max.bytes` in all; a compressed batch pins its own decompressed form instead. Bound
//! these two from the byte budget. [`NativeMessage::size`] counts what a record itself takes.

use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka_sys as sys;
use surefoot_core::{Offset, Position};

use super::code::Code;
use super::inner::Inner;
use super::raw;

/// What librdkafka 2.12.1 allocates for each record beside its bytes: 304 bytes on 64-bit machines,
/// in the allocator's steps.
const OVERHEAD_BYTES: usize = 320;

/// A record, or an error in place of one; given back to librdkafka when dropped.
pub(crate) struct NativeMessage {
    message: NonNull<sys::rd_kafka_message_t>,
    loan: NonNull<Loan>,
}

/// Keeps the client alive for the messages of one batch: one count for the batch instead of one for
/// each message.
pub(super) struct Loan {
    outstanding: AtomicUsize,
    /// Held while a message's headers are looked up: the first look parses them into the message.
    headers: Mutex<()>,
    _client: Arc<Inner>,
}

// SAFETY: a message may be read and destroyed on any thread: librdkafka counts what it refers to
// with atomics, and the loan counts with one.
unsafe impl Send for NativeMessage {}
// SAFETY: shared access only reads fields that nobody writes after the batch was returned. The one
// exception, parsing headers on first use, happens under the loan's lock.
unsafe impl Sync for NativeMessage {}

impl Loan {
    /// A loan for `outstanding` messages, each of which must be made into a `NativeMessage`.
    pub(super) fn new(client: Arc<Inner>, outstanding: usize) -> NonNull<Self> {
        let loan = Self {
            outstanding: AtomicUsize::new(outstanding),
            headers: Mutex::new(()),
            _client: client,
        };
        NonNull::from(Box::leak(Box::new(loan)))
    }
}

impl NativeMessage {
    /// Takes over a message.
    ///
    /// # Safety
    ///
    /// `message` came out of a batch, is taken over once, and `loan` counts it.
    pub(super) unsafe fn new(
        message: NonNull<sys::rd_kafka_message_t>,
        loan: NonNull<Loan>,
    ) -> Self {
        Self { message, loan }
    }

    fn raw(&self) -> *const sys::rd_kafka_message_t {
        self.message.as_ptr()
    }

    /// The error that this is instead of a record.
    pub(crate) fn error(&self) -> Option<Code> {
        // SAFETY: the message is alive.
        unsafe { raw::read_code(&raw const (*self.raw()).err) }
    }

    /// librdkafka's words for the error; empty for a record.
    pub(crate) fn error_message(&self) -> String {
        if self.error().is_none() {
            return String::new();
        }
        String::from_utf8_lossy(self.payload_bytes().unwrap_or_default()).into_owned()
    }

    /// The end of the partition, if this says that it was reached.
    pub(crate) fn end(&self) -> Option<Position> {
        let at_end = self.error() == Some(Code::PARTITION_EOF) && self.raw_offset() >= 0;
        at_end.then(|| Position::new(self.raw_offset()))
    }

    /// The record's offset. For an error, where it happened, or a negative number.
    pub(crate) fn offset(&self) -> Offset {
        Offset::new(self.raw_offset())
    }

    pub(super) fn raw_offset(&self) -> i64 {
        // SAFETY: the message is alive.
        unsafe { (*self.raw()).offset }
    }

    /// The record's partition.
    pub(crate) fn partition(&self) -> i32 {
        // SAFETY: the message is alive.
        unsafe { (*self.raw()).partition }
    }

    /// The record's topic; empty for an error that concerns none.
    pub(crate) fn topic(&self) -> &str {
        // SAFETY: the message is alive and keeps its topic alive; a name is a C string, and Kafka
        // allows ASCII only.
        unsafe {
            let topic = (*self.raw()).rkt;
            if topic.is_null() {
                return "";
            }
            let name = std::ffi::CStr::from_ptr(sys::rd_kafka_topic_name(topic));
            name.to_str().unwrap_or_default()
        }
    }

    /// The key; `None` without one.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        if self.error().is_some() {
            return None;
        }
        // SAFETY: the message is alive, and a key that is not null has `key_len` bytes.
        unsafe {
            let message = self.raw();
            bytes((*message).key.cast(), (*message).key_len)
        }
    }

    /// The payload; `None` for a tombstone.
    pub(crate) fn payload(&self) -> Option<&[u8]> {
        if self.error().is_some() { None } else { self.payload_bytes() }
    }

    fn payload_bytes(&self) -> Option<&[u8]> {
        // SAFETY: as for the key.
        unsafe {
            let message = self.raw();
            bytes((*message).payload.cast(), (*message).len)
        }
    }

    /// Milliseconds since the Unix epoch; `None` where the record has no timestamp.
    pub(crate) fn timestamp(&self) -> Option<i64> {
        // SAFETY: the message is alive; a null type is not written.
        let millis = unsafe { sys::rd_kafka_message_timestamp(self.raw(), std::ptr::null_mut()) };
        (millis >= 0).then_some(millis)
    }

    /// The leader epoch of the batch that the record came in (KIP-320).
    pub(crate) fn leader_epoch(&self) -> Option<i32> {
        if self.error().is_some() {
            return None;
        }
        // SAFETY: the message is alive and is a record.
        let epoch = unsafe { sys::rd_kafka_message_leader_epoch(self.raw()) };
        (epoch >= 0).then_some(epoch)
    }

    /// The headers in their order; names may repeat. A name that is not UTF-8, which no conforming
    /// producer writes, reads as U+FFFD.
    pub(crate) fn headers(&self) -> Headers<'_> {
        let mut headers = std::ptr::null_mut();
        if self.error().is_none() {
            // SAFETY: the loan lives until its last message is dropped.
            let lock = unsafe { &self.loan.as_ref().headers };
            let _parsing = lock.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: the message is alive and is a record; the headers stay its own.
            unsafe { raw::message_headers(self.raw(), &mut headers) };
        }
        Headers { headers, next: 0, _message: self }
    }

    /// Bytes of memory that the record takes: key, payload and a fixed part. Not what it pins.
    pub(crate) fn size(&self) -> usize {
        // SAFETY: the message is alive.
        unsafe { (*self.raw()).len + (*self.raw()).key_len + OVERHEAD_BYTES }
    }
}

impl Drop for NativeMessage {
    fn drop(&mut self) {
        // SAFETY: the message is owned and destroyed once, while the loan keeps the client alive.
        // Whoever brings the count to zero is the last to use the loan (as `Arc` does it).
        unsafe {
            sys::rd_kafka_message_destroy(self.message.as_ptr());
            let loan = self.loan.as_ptr();
            if (*loan).outstanding.fetch_sub(1, Ordering::Release) == 1 {
                fence(Ordering::Acquire);
                drop(Box::from_raw(loan));
            }
        }
    }
}

/// The headers of a record: name and value, `None` for a value that is null.
pub(crate) struct Headers<'a> {
    headers: *mut sys::rd_kafka_headers_t,
    next: usize,
    _message: &'a NativeMessage,
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.headers.is_null() {
            return None;
        }
        let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: the headers live as long as the message, which is borrowed for as long as what is
        // returned. A name is a C string; a value that is not null has `size` bytes.
        unsafe {
            let end =
                raw::header_get_all(self.headers, self.next, &mut name, &mut value, &mut size);
            if end != 0 {
                return None;
            }
            self.next += 1;
            let name = std::ffi::CStr::from_ptr(name).to_str().unwrap_or("\u{fffd}");
            Some((name, bytes(value.cast(), size)))
        }
    }
}

/// # Safety
///
/// `start` is null or the start of `length` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const u8, length: usize) -> Option<&'a [u8]> {
    // SAFETY: vouched for by the caller.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start, length) })
}
