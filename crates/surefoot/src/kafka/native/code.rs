//! Error codes of brokers and of librdkafka, and their names.
//!
//! Positive codes come from brokers, negative ones from librdkafka itself. The set is open: a newer
//! broker sends codes that this version does not name. What a code means is decided elsewhere;
//! here are only those that the adapter tells apart one by one.

use std::fmt;

use surefoot_core::TopicPartition;

use super::raw;

/// An error code; never success.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Code(i32);

/// A request that failed as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub(crate) struct Failure {
    /// The code.
    pub(crate) code: Code,
    /// librdkafka's own words.
    pub(crate) message: String,
}

/// The result of a request for each partition that it named.
pub(crate) type PerPartition<T> = Vec<(TopicPartition, Result<T, Code>)>;

impl Code {
    pub(crate) const PARTITION_EOF: Self = Self(-191);
    pub(crate) const UNKNOWN_PARTITION: Self = Self(-190);
    pub(crate) const ALL_BROKERS_DOWN: Self = Self(-187);
    pub(crate) const INVALID_ARG: Self = Self(-186);
    pub(crate) const TIMED_OUT: Self = Self(-185);
    pub(crate) const SSL: Self = Self(-181);
    pub(crate) const AUTHENTICATION: Self = Self(-169);
    pub(crate) const STATE: Self = Self(-172);
    pub(crate) const FATAL: Self = Self(-150);
    pub(crate) const ILLEGAL_GENERATION: Self = Self(22);
    #[cfg(test)]
    pub(crate) const UNKNOWN_MEMBER_ID: Self = Self(25);
    pub(crate) const GROUP_AUTHORIZATION_FAILED: Self = Self(30);

    /// The error with this number; `None` is success.
    pub(crate) const fn from_raw(raw: i32) -> Option<Self> {
        if raw == 0 { None } else { Some(Self(raw)) }
    }

    /// The number as Kafka and librdkafka write it.
    pub(crate) const fn get(self) -> i32 {
        self.0
    }

    /// Kafka's name of the error, such as `ILLEGAL_GENERATION`; librdkafka's own begin with `_`.
    pub(crate) fn name(self) -> String {
        // SAFETY: any integer is allowed; the text is static or lives until the next call on this
        // thread, and is copied.
        unsafe { raw::text(raw::error_name(self.0)) }
    }

    /// What the error means, in one sentence.
    pub(crate) fn description(self) -> String {
        // SAFETY: as in `name`.
        unsafe { raw::text(raw::error_text(self.0)) }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_numbers_that_librdkafka_names() {
        for (code, name) in [
            (Code::PARTITION_EOF, "_PARTITION_EOF"),
            (Code::UNKNOWN_PARTITION, "_UNKNOWN_PARTITION"),
            (Code::ALL_BROKERS_DOWN, "_ALL_BROKERS_DOWN"),
            (Code::INVALID_ARG, "_INVALID_ARG"),
            (Code::TIMED_OUT, "_TIMED_OUT"),
            (Code::SSL, "_SSL"),
            (Code::AUTHENTICATION, "_AUTHENTICATION"),
            (Code::STATE, "_STATE"),
            (Code::FATAL, "_FATAL"),
            (Code::ILLEGAL_GENERATION, "ILLEGAL_GENERATION"),
            (Code::UNKNOWN_MEMBER_ID, "UNKNOWN_MEMBER_ID"),
            (Code::GROUP_AUTHORIZATION_FAILED, "GROUP_AUTHORIZATION_FAILED"),
        ] {
            assert_eq!(code.name(), name, "code {}", code.get());
        }
    }

    #[test]
    fn a_code_that_librdkafka_does_not_know_is_kept() {
        let code = Code::from_raw(32_000).unwrap();
        assert_eq!((code.get(), code.name().as_str()), (32_000, "ERR_32000?"));
    }
}
