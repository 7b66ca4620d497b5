//! librdkafka's log lines, as `tracing` events.

use std::ffi::c_int;

use rdkafka_sys as sys;

use super::raw;

/// Emits one log event.
///
/// # Safety
///
/// `event` is alive.
pub(super) unsafe fn emit(event: *mut sys::rd_kafka_event_t) {
    let (mut facility, mut line, mut level) = (std::ptr::null(), std::ptr::null(), 0 as c_int);
    // SAFETY: the event is alive; the strings live as long as it does and are copied.
    let (facility, line) = unsafe {
        if sys::rd_kafka_event_log(event, &mut facility, &mut line, &mut level) != 0 {
            return;
        }
        (raw::text(facility), raw::text(line))
    };
    // Severities as syslog numbers them: 0 to 3 errors, 4 warning, 5 and 6 notices, 7 debug.
    match level {
        ..=3 => tracing::error!(target: "surefoot::kafka", facility, "{line}"),
        4 => tracing::warn!(target: "surefoot::kafka", facility, "{line}"),
        5 | 6 => tracing::info!(target: "surefoot::kafka", facility, "{line}"),
        _ => tracing::debug!(target: "surefoot::kafka", facility, "{line}"),
    }
}
