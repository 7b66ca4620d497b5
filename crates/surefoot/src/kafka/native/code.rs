//! Error codes of brokers and of librdkafka, and what follows from them.
//!
//! Positive codes come from brokers, negative ones from librdkafka itself. The set is open: a newer
//! broker sends codes that this version does not name. What a code means for a commit is decided
//! here and nowhere else; the hard part is that "failed" and "may have happened" look alike.

use std::fmt;

use surefoot_core::{Outcome, Refusal, TopicPartition};

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
    pub(crate) const TRANSPORT: Self = Self(-195);
    pub(crate) const RESOLVE: Self = Self(-193);
    pub(crate) const PARTITION_EOF: Self = Self(-191);
    pub(crate) const UNKNOWN_PARTITION: Self = Self(-190);
    pub(crate) const UNKNOWN_TOPIC: Self = Self(-188);
    pub(crate) const ALL_BROKERS_DOWN: Self = Self(-187);
    pub(crate) const INVALID_ARG: Self = Self(-186);
    pub(crate) const TIMED_OUT: Self = Self(-185);
    pub(crate) const SSL: Self = Self(-181);
    pub(crate) const WAIT_COORD: Self = Self(-180);
    pub(crate) const IN_PROGRESS: Self = Self(-178);
    pub(crate) const PREV_IN_PROGRESS: Self = Self(-177);
    pub(crate) const AUTHENTICATION: Self = Self(-169);
    pub(crate) const NO_OFFSET: Self = Self(-168);
    pub(crate) const OUTDATED: Self = Self(-167);
    pub(crate) const STATE: Self = Self(-172);
    pub(crate) const DESTROY: Self = Self(-197);
    pub(crate) const FATAL: Self = Self(-150);
    pub(crate) const MAX_POLL_EXCEEDED: Self = Self(-147);
    pub(crate) const ASSIGNMENT_LOST: Self = Self(-142);
    pub(crate) const AUTO_OFFSET_RESET: Self = Self(-140);
    pub(crate) const LOG_TRUNCATION: Self = Self(-139);
    pub(crate) const OFFSET_OUT_OF_RANGE: Self = Self(1);
    pub(crate) const UNKNOWN_TOPIC_OR_PART: Self = Self(3);
    pub(crate) const REQUEST_TIMED_OUT: Self = Self(7);
    pub(crate) const NETWORK_EXCEPTION: Self = Self(13);
    pub(crate) const COORDINATOR_LOAD_IN_PROGRESS: Self = Self(14);
    pub(crate) const COORDINATOR_NOT_AVAILABLE: Self = Self(15);
    pub(crate) const NOT_COORDINATOR: Self = Self(16);
    pub(crate) const NOT_ENOUGH_REPLICAS: Self = Self(19);
    pub(crate) const NOT_ENOUGH_REPLICAS_AFTER_APPEND: Self = Self(20);
    pub(crate) const ILLEGAL_GENERATION: Self = Self(22);
    pub(crate) const UNKNOWN_MEMBER_ID: Self = Self(25);
    pub(crate) const REBALANCE_IN_PROGRESS: Self = Self(27);
    pub(crate) const TOPIC_AUTHORIZATION_FAILED: Self = Self(29);
    pub(crate) const GROUP_AUTHORIZATION_FAILED: Self = Self(30);
    pub(crate) const CLUSTER_AUTHORIZATION_FAILED: Self = Self(31);
    pub(crate) const FENCED_INSTANCE_ID: Self = Self(82);
    pub(crate) const UNSTABLE_OFFSET_COMMIT: Self = Self(88);
    pub(crate) const UNKNOWN_TOPIC_ID: Self = Self(100);
    pub(crate) const FENCED_MEMBER_EPOCH: Self = Self(110);
    pub(crate) const UNRELEASED_INSTANCE_ID: Self = Self(111);
    pub(crate) const STALE_MEMBER_EPOCH: Self = Self(113);

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

    /// What a request that changes the group's offsets came to, if it was answered with this.
    pub(crate) fn outcome(self) -> Outcome<()> {
        let refusal = match self {
            // Sent or not, applied or not. librdkafka gives the first five for requests that were
            // in flight. The coordinator gives the others also for an append to its log that was
            // not replicated in time, or whose leadership it lost, and that may yet count.
            Self::TRANSPORT
            | Self::TIMED_OUT
            | Self::WAIT_COORD
            | Self::DESTROY
            | Self::OUTDATED
            | Self::REQUEST_TIMED_OUT
            | Self::NETWORK_EXCEPTION
            | Self::COORDINATOR_NOT_AVAILABLE
            | Self::NOT_COORDINATOR
            | Self::NOT_ENOUGH_REPLICAS_AFTER_APPEND => return Outcome::Unknown,
            Self::ILLEGAL_GENERATION
            | Self::UNKNOWN_MEMBER_ID
            | Self::FENCED_MEMBER_EPOCH
            | Self::ASSIGNMENT_LOST => Refusal::Fenced,
            Self::REBALANCE_IN_PROGRESS | Self::STALE_MEMBER_EPOCH => Refusal::Rebalancing,
            Self::FENCED_INSTANCE_ID | Self::UNRELEASED_INSTANCE_ID => Refusal::InstanceFenced,
            Self::TOPIC_AUTHORIZATION_FAILED
            | Self::GROUP_AUTHORIZATION_FAILED
            | Self::CLUSTER_AUTHORIZATION_FAILED
            | Self::AUTHENTICATION => Refusal::Unauthorized,
            _ if self.is_transient() => Refusal::Unavailable,
            _ => Refusal::Invalid,
        };
        Outcome::Refused(refusal)
    }

    /// Whether the same read may succeed later without anybody changing anything.
    pub(crate) const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::TRANSPORT
                | Self::RESOLVE
                | Self::ALL_BROKERS_DOWN
                | Self::TIMED_OUT
                | Self::WAIT_COORD
                | Self::IN_PROGRESS
                | Self::PREV_IN_PROGRESS
                | Self::REQUEST_TIMED_OUT
                | Self::NETWORK_EXCEPTION
                | Self::COORDINATOR_LOAD_IN_PROGRESS
                | Self::COORDINATOR_NOT_AVAILABLE
                | Self::NOT_COORDINATOR
                | Self::NOT_ENOUGH_REPLICAS
                | Self::NOT_ENOUGH_REPLICAS_AFTER_APPEND
                | Self::REBALANCE_IN_PROGRESS
                | Self::STALE_MEMBER_EPOCH
                | Self::UNSTABLE_OFFSET_COMMIT
                // Leadership, replica and quota errors, which a read repeats until they pass.
                | Self(2 | 5 | 6 | 8 | 9 | 56 | 74 | 75 | 78 | 89)
        )
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
            (Code::TRANSPORT, "_TRANSPORT"),
            (Code::RESOLVE, "_RESOLVE"),
            (Code::PARTITION_EOF, "_PARTITION_EOF"),
            (Code::UNKNOWN_PARTITION, "_UNKNOWN_PARTITION"),
            (Code::UNKNOWN_TOPIC, "_UNKNOWN_TOPIC"),
            (Code::ALL_BROKERS_DOWN, "_ALL_BROKERS_DOWN"),
            (Code::INVALID_ARG, "_INVALID_ARG"),
            (Code::TIMED_OUT, "_TIMED_OUT"),
            (Code::SSL, "_SSL"),
            (Code::WAIT_COORD, "_WAIT_COORD"),
            (Code::IN_PROGRESS, "_IN_PROGRESS"),
            (Code::PREV_IN_PROGRESS, "_PREV_IN_PROGRESS"),
            (Code::AUTHENTICATION, "_AUTHENTICATION"),
            (Code::NO_OFFSET, "_NO_OFFSET"),
            (Code::OUTDATED, "_OUTDATED"),
            (Code::STATE, "_STATE"),
            (Code::DESTROY, "_DESTROY"),
            (Code::FATAL, "_FATAL"),
            (Code::MAX_POLL_EXCEEDED, "_MAX_POLL_EXCEEDED"),
            (Code::ASSIGNMENT_LOST, "_ASSIGNMENT_LOST"),
            (Code::AUTO_OFFSET_RESET, "_AUTO_OFFSET_RESET"),
            (Code::LOG_TRUNCATION, "_LOG_TRUNCATION"),
            (Code::OFFSET_OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE"),
            (Code::UNKNOWN_TOPIC_OR_PART, "UNKNOWN_TOPIC_OR_PART"),
            (Code::REQUEST_TIMED_OUT, "REQUEST_TIMED_OUT"),
            (Code::NETWORK_EXCEPTION, "NETWORK_EXCEPTION"),
            (Code::COORDINATOR_LOAD_IN_PROGRESS, "COORDINATOR_LOAD_IN_PROGRESS"),
            (Code::COORDINATOR_NOT_AVAILABLE, "COORDINATOR_NOT_AVAILABLE"),
            (Code::NOT_COORDINATOR, "NOT_COORDINATOR"),
            (Code::NOT_ENOUGH_REPLICAS, "NOT_ENOUGH_REPLICAS"),
            (Code::NOT_ENOUGH_REPLICAS_AFTER_APPEND, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"),
            (Code::ILLEGAL_GENERATION, "ILLEGAL_GENERATION"),
            (Code::UNKNOWN_MEMBER_ID, "UNKNOWN_MEMBER_ID"),
            (Code::REBALANCE_IN_PROGRESS, "REBALANCE_IN_PROGRESS"),
            (Code::TOPIC_AUTHORIZATION_FAILED, "TOPIC_AUTHORIZATION_FAILED"),
            (Code::GROUP_AUTHORIZATION_FAILED, "GROUP_AUTHORIZATION_FAILED"),
            (Code::CLUSTER_AUTHORIZATION_FAILED, "CLUSTER_AUTHORIZATION_FAILED"),
            (Code::FENCED_INSTANCE_ID, "FENCED_INSTANCE_ID"),
            (Code::UNSTABLE_OFFSET_COMMIT, "UNSTABLE_OFFSET_COMMIT"),
            (Code::UNKNOWN_TOPIC_ID, "UNKNOWN_TOPIC_ID"),
            (Code::FENCED_MEMBER_EPOCH, "FENCED_MEMBER_EPOCH"),
            (Code::UNRELEASED_INSTANCE_ID, "UNRELEASED_INSTANCE_ID"),
            (Code::STALE_MEMBER_EPOCH, "STALE_MEMBER_EPOCH"),
        ] {
            assert_eq!(code.name(), name, "code {}", code.get());
        }
    }

    #[test]
    fn a_code_that_librdkafka_does_not_know_is_kept_and_refused() {
        let code = Code::from_raw(32_000).unwrap();
        assert_eq!(code.name(), "ERR_32000?");
        assert_eq!(code.outcome(), Outcome::Refused(Refusal::Invalid));
    }

    #[test]
    fn a_commit_that_timed_out_is_unknown() {
        assert_eq!(Code::TIMED_OUT.outcome(), Outcome::Unknown);
        assert_eq!(Code::TRANSPORT.outcome(), Outcome::Unknown);
    }
}
