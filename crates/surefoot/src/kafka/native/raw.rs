//! C entry points whose error codes the generated bindings would read as a Rust enum.
//!
//! The generated declarations return `rd_kafka_resp_err_t` as a Rust enum of the codes of one
//! librdkafka version. A broker may send any 16-bit code, and librdkafka passes it through: reading
//! an unknown one into that enum would be undefined behaviour. Here they are plain integers.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use rdkafka_sys as sys;

use super::code::{Code, Failure};

/// Room for librdkafka's error texts, as its own examples size it.
pub(super) const ERROR_TEXT_BYTES: usize = 512;

unsafe extern "C" {
    #[link_name = "rd_kafka_err2str"]
    pub(super) fn error_text(code: i32) -> *const c_char;
    #[link_name = "rd_kafka_err2name"]
    pub(super) fn error_name(code: i32) -> *const c_char;
    #[link_name = "rd_kafka_error_code"]
    fn error_code(error: *const sys::rd_kafka_error_t) -> i32;
    #[link_name = "rd_kafka_event_error"]
    pub(super) fn event_error(event: *mut sys::rd_kafka_event_t) -> i32;
    #[link_name = "rd_kafka_fatal_error"]
    pub(super) fn fatal_error(rk: *mut sys::rd_kafka_t, text: *mut c_char, text_size: usize)
    -> i32;
    #[link_name = "rd_kafka_subscribe"]
    pub(super) fn subscribe(
        rk: *mut sys::rd_kafka_t,
        topics: *const sys::rd_kafka_topic_partition_list_t,
    ) -> i32;
    #[link_name = "rd_kafka_poll_set_consumer"]
    pub(super) fn poll_set_consumer(rk: *mut sys::rd_kafka_t) -> i32;
    #[link_name = "rd_kafka_set_log_queue"]
    pub(super) fn set_log_queue(rk: *mut sys::rd_kafka_t, queue: *mut sys::rd_kafka_queue_t)
    -> i32;
    #[link_name = "rd_kafka_assign"]
    pub(super) fn assign(
        rk: *mut sys::rd_kafka_t,
        partitions: *const sys::rd_kafka_topic_partition_list_t,
    ) -> i32;
    #[link_name = "rd_kafka_commit_queue"]
    pub(super) fn commit_queue(
        rk: *mut sys::rd_kafka_t,
        offsets: *const sys::rd_kafka_topic_partition_list_t,
        queue: *mut sys::rd_kafka_queue_t,
        callback: *const c_void,
        opaque: *mut c_void,
    ) -> i32;
    #[link_name = "rd_kafka_message_headers"]
    pub(super) fn message_headers(
        message: *const sys::rd_kafka_message_t,
        headers: *mut *mut sys::rd_kafka_headers_t,
    ) -> i32;
    #[link_name = "rd_kafka_header_get_all"]
    pub(super) fn header_get_all(
        headers: *const sys::rd_kafka_headers_t,
        index: usize,
        name: *mut *const c_char,
        value: *mut *const c_void,
        size: *mut usize,
    ) -> i32;
    #[link_name = "rd_kafka_AdminOptions_set_request_timeout"]
    pub(super) fn set_request_timeout(
        options: *mut sys::rd_kafka_AdminOptions_t,
        timeout_ms: c_int,
        text: *mut c_char,
        text_size: usize,
    ) -> i32;
}

/// Reads the code in the `err` field of a C struct, whatever its value.
///
/// # Safety
///
/// `field` points to an initialised error field.
pub(super) unsafe fn read_code(field: *const sys::rd_kafka_resp_err_t) -> Option<Code> {
    // SAFETY: the field is a C enum, which has the size of an `i32`; the caller vouches for it.
    Code::from_raw(unsafe { field.cast::<i32>().read() })
}

/// Takes over an error object; null is success.
///
/// # Safety
///
/// `error` is null or an error object that nobody else will destroy.
pub(super) unsafe fn take_error(error: *mut sys::rd_kafka_error_t) -> Result<(), Failure> {
    // SAFETY: null, or owned by us and alive until destroyed on the last line.
    unsafe {
        let failure = borrow_error(error);
        if !error.is_null() {
            sys::rd_kafka_error_destroy(error);
        }
        failure.map_or(Ok(()), Err)
    }
}

/// Reads an error object that somebody else owns; null is success.
///
/// # Safety
///
/// `error` is null or a live error object.
pub(super) unsafe fn borrow_error(error: *const sys::rd_kafka_error_t) -> Option<Failure> {
    if error.is_null() {
        return None;
    }
    // SAFETY: a live error object has a code and a text.
    unsafe {
        let code = Code::from_raw(error_code(error))?;
        Some(Failure { code, message: text(sys::rd_kafka_error_string(error)) })
    }
}

/// Copies a C string; null is empty.
///
/// # Safety
///
/// `string` is null or a C string that lives during the call.
pub(super) unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: vouched for by the caller.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// A name for C. A name with a zero byte in it exists nowhere in Kafka: it becomes the empty name,
/// which librdkafka refuses as unknown or invalid.
pub(super) fn c_name(name: &str) -> CString {
    CString::new(name).unwrap_or_default()
}

/// Milliseconds for C: at least the duration, at most what an `int` holds.
pub(super) fn milliseconds(duration: std::time::Duration) -> c_int {
    c_int::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX)
}
