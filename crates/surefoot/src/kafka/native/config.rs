//! Client options, checked by librdkafka one at a time.
//!
//! Its own message names the option and what it accepts, so that nothing of that is repeated here;
//! a value that may be a secret is never shown.

use std::ffi::c_char;
use std::ptr::NonNull;

use rdkafka_sys as sys;

use super::raw;

/// Options of a client that does not exist yet.
pub(crate) struct NativeConfig(NonNull<sys::rd_kafka_conf_t>);

// SAFETY: a configuration is plain memory that only its owner uses.
unsafe impl Send for NativeConfig {}

/// An option that librdkafka does not know, or a value that it does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("client option `{key}` = `{value}`: {message}")]
pub(crate) struct ConfigError {
    /// The option.
    pub(crate) key: String,
    /// The value, unless it is a secret.
    pub(crate) value: String,
    /// librdkafka's reason.
    pub(crate) message: String,
}

impl NativeConfig {
    /// librdkafka's defaults.
    pub(crate) fn new() -> Self {
        // SAFETY: no precondition; librdkafka aborts rather than return null.
        let conf = unsafe { sys::rd_kafka_conf_new() };
        Self(NonNull::new(conf).expect("librdkafka aborts when memory ends"))
    }

    /// Sets one option by librdkafka's own name.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let refused = |message: String| ConfigError {
            key: key.to_owned(),
            value: if is_secret(key) { "(not shown)".to_owned() } else { value.to_owned() },
            message,
        };
        if value.contains('\0') {
            return Err(refused("a value cannot contain a zero byte".to_owned()));
        }
        let mut text = [0 as c_char; raw::ERROR_TEXT_BYTES];
        // SAFETY: the configuration is owned and alive; both strings are C strings; librdkafka
        // writes at most the text's length, with its final zero.
        let result = unsafe {
            sys::rd_kafka_conf_set(
                self.0.as_ptr(),
                raw::c_name(key).as_ptr(),
                raw::c_name(value).as_ptr(),
                text.as_mut_ptr(),
                text.len(),
            )
        };
        match result {
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_UNKNOWN
            | sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_INVALID => {
                // SAFETY: librdkafka wrote a C string into it.
                Err(refused(unsafe { raw::text(text.as_ptr()) }))
            }
        }
    }

    /// Gives the configuration to C.
    pub(super) fn into_raw(self) -> NonNull<sys::rd_kafka_conf_t> {
        std::mem::ManuallyDrop::new(self).0
    }

    /// Takes back what `into_raw` gave.
    ///
    /// # Safety
    ///
    /// `conf` came from `into_raw`, and nobody else will destroy it.
    pub(super) unsafe fn from_raw(conf: NonNull<sys::rd_kafka_conf_t>) -> Self {
        Self(conf)
    }

    pub(super) fn as_ptr(&mut self) -> *mut sys::rd_kafka_conf_t {
        self.0.as_ptr()
    }
}

impl Drop for NativeConfig {
    fn drop(&mut self) {
        // SAFETY: owned, and destroyed once.
        unsafe { sys::rd_kafka_conf_destroy(self.0.as_ptr()) };
    }
}

/// Whether the value of this option must not appear in a message.
fn is_secret(key: &str) -> bool {
    ["password", "secret", "key.pem", "jaas", "oauthbearer.config"]
        .iter()
        .any(|part| key.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_does_not_exist_is_named() {
        let error = NativeConfig::new().set("no.such.option", "1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "client option `no.such.option` = `1`: No such configuration property: \
             \"no.such.option\""
        );
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_librdkafkas_reason() {
        let error = NativeConfig::new().set("session.timeout.ms", "-3").unwrap_err();
        assert_eq!(error.key, "session.timeout.ms");
        assert!(error.message.contains("outside allowed range"), "{}", error.message);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let error = NativeConfig::new().set("sasl.password", "hunter2\0").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
