//! What an error code means, for each thing that a consumer asks.
//!
//! An error is not an absence, and neither is it always a refusal: a commit that the coordinator
//! appended and could not replicate comes back with the same codes as one that it never looked
//! at. So there is one table from code to meaning, over every code that this version of the
//! client names and without a default arm, and one short function per request from meaning to
//! outcome. A code that the client does not name is unknown for a commit and worth another
//! question for a lookup.

use rdkafka_sys::bindings::rd_kafka_resp_err_t as RespErr;
use surefoot_core::{FetchFailure, Outcome, Refusal};

use super::native::Code;

/// What a code says about the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It was done.
    Success,
    /// There was nothing to do.
    Nothing,
    /// The end of a partition; not an error.
    EndOfPartition,
    /// The group went on without this member.
    Fenced,
    /// The group is rebalancing.
    Rebalancing,
    /// Another process has this `group.instance.id`.
    InstanceFenced,
    /// It was not done, and may be later.
    Unavailable,
    /// It may have been done.
    Ambiguous,
    /// The principal may not.
    Unauthorized,
    /// Who the principal is could not be settled.
    Unauthenticated,
    /// The position lies outside the log.
    OutOfRange,
    /// The topic or partition does not exist.
    Gone,
    /// What was read is damaged, or too large to be read.
    Corrupt,
    /// It will never be done.
    Invalid,
}

/// The meaning of `code`. The only place where codes are told apart.
pub(crate) fn meaning_of(code: Code) -> Meaning {
    RespErr::try_from(code.get()).map_or(Meaning::Ambiguous, meaning_of_known)
}

/// How a commit that was answered with `code` for a partition ended there.
pub(crate) fn commit_outcome(code: Code) -> Outcome<()> {
    match meaning_of(code) {
        Meaning::Success => Outcome::Done(()),
        Meaning::Fenced => Outcome::Refused(Refusal::Fenced),
        Meaning::Rebalancing => Outcome::Refused(Refusal::Rebalancing),
        Meaning::InstanceFenced => Outcome::Refused(Refusal::InstanceFenced),
        Meaning::Unavailable | Meaning::Unauthenticated => Outcome::Refused(Refusal::Unavailable),
        Meaning::Unauthorized => Outcome::Refused(Refusal::Unauthorized),
        Meaning::Ambiguous => Outcome::Unknown,
        Meaning::Nothing
        | Meaning::EndOfPartition
        | Meaning::OutOfRange
        | Meaning::Gone
        | Meaning::Corrupt
        | Meaning::Invalid => Outcome::Refused(Refusal::Invalid),
    }
}

/// Why a question about a partition's start has no answer. Never an absence: a committed offset
/// that does not exist is a successful answer.
pub(crate) fn lookup_outcome<T>(code: Code) -> Outcome<T> {
    match meaning_of(code) {
        Meaning::Ambiguous => Outcome::Unknown,
        Meaning::Unauthorized => Outcome::Refused(Refusal::Unauthorized),
        Meaning::InstanceFenced => Outcome::Refused(Refusal::InstanceFenced),
        Meaning::Rebalancing | Meaning::Fenced => Outcome::Refused(Refusal::Rebalancing),
        // A topic that was just created, or is being deleted, is unknown to some brokers for a
        // while; the group takes its partitions away if it is really gone.
        Meaning::Gone
        | Meaning::Success
        | Meaning::Nothing
        | Meaning::EndOfPartition
        | Meaning::Unavailable
        | Meaning::Unauthenticated
        | Meaning::OutOfRange
        | Meaning::Corrupt
        | Meaning::Invalid => Outcome::Refused(Refusal::Unavailable),
    }
}

/// Why a partition cannot be read, or `None` if the client goes on by itself.
pub(crate) fn fetch_failure(code: Code) -> Option<FetchFailure> {
    match meaning_of(code) {
        Meaning::OutOfRange => Some(FetchFailure::OutOfRange),
        Meaning::Unauthorized => Some(FetchFailure::Unauthorized),
        Meaning::Gone => Some(FetchFailure::Gone),
        Meaning::Corrupt => Some(FetchFailure::Corrupt),
        Meaning::Success
        | Meaning::Nothing
        | Meaning::EndOfPartition
        | Meaning::Fenced
        | Meaning::Rebalancing
        | Meaning::InstanceFenced
        | Meaning::Unavailable
        | Meaning::Ambiguous
        | Meaning::Unauthenticated
        | Meaning::Invalid => None,
    }
}

fn meaning_of_known(code: RespErr) -> Meaning {
    use RespErr::*;
    match code {
        RD_KAFKA_RESP_ERR_NO_ERROR => Meaning::Success,
        RD_KAFKA_RESP_ERR__NO_OFFSET | RD_KAFKA_RESP_ERR__NOOP => Meaning::Nothing,
        RD_KAFKA_RESP_ERR__PARTITION_EOF => Meaning::EndOfPartition,

        RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION
        | RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID
        | RD_KAFKA_RESP_ERR_FENCED_MEMBER_EPOCH
        | RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND
        | RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST
        | RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED => Meaning::Fenced,

        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
        | RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH
        | RD_KAFKA_RESP_ERR_MEMBER_ID_REQUIRED => Meaning::Rebalancing,

        RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
        | RD_KAFKA_RESP_ERR_UNRELEASED_INSTANCE_ID
        | RD_KAFKA_RESP_ERR__FENCED => Meaning::InstanceFenced,

        // The client did not send these, or the broker says before it appends anything that it
        // will not.
        RD_KAFKA_RESP_ERR__RESOLVE
        | RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
        | RD_KAFKA_RESP_ERR__QUEUE_FULL
        | RD_KAFKA_RESP_ERR__NODE_UPDATE
        | RD_KAFKA_RESP_ERR__WAIT_CACHE
        | RD_KAFKA_RESP_ERR__IN_PROGRESS
        | RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS
        | RD_KAFKA_RESP_ERR__STATE
        | RD_KAFKA_RESP_ERR__RETRY
        | RD_KAFKA_RESP_ERR__PURGE_QUEUE
        | RD_KAFKA_RESP_ERR__UNKNOWN_BROKER
        | RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
        | RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
        | RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE
        | RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE
        | RD_KAFKA_RESP_ERR_STALE_CTRL_EPOCH
        | RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS
        | RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
        | RD_KAFKA_RESP_ERR_NOT_CONTROLLER
        | RD_KAFKA_RESP_ERR_LISTENER_NOT_FOUND
        | RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH
        | RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH
        | RD_KAFKA_RESP_ERR_STALE_BROKER_EPOCH
        | RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE
        | RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE
        | RD_KAFKA_RESP_ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE
        | RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED
        | RD_KAFKA_RESP_ERR_FETCH_SESSION_ID_NOT_FOUND
        | RD_KAFKA_RESP_ERR_INVALID_FETCH_SESSION_EPOCH
        | RD_KAFKA_RESP_ERR_REASSIGNMENT_IN_PROGRESS
        | RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT
        | RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED
        | RD_KAFKA_RESP_ERR_REBOOTSTRAP_REQUIRED => Meaning::Unavailable,

        // In flight when the answer was given up, or answered by a coordinator that appended and
        // could not say that every replica has it. Brokers translate a failed append of a commit:
        // too few replicas after it, and a timeout, become COORDINATOR_NOT_AVAILABLE; a leader
        // that moved under it and a failed disk become NOT_COORDINATOR.
        RD_KAFKA_RESP_ERR__TRANSPORT
        | RD_KAFKA_RESP_ERR__TIMED_OUT
        | RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE
        | RD_KAFKA_RESP_ERR__MSG_TIMED_OUT
        | RD_KAFKA_RESP_ERR__DESTROY
        | RD_KAFKA_RESP_ERR__DESTROY_BROKER
        | RD_KAFKA_RESP_ERR__WAIT_COORD
        | RD_KAFKA_RESP_ERR__OUTDATED
        | RD_KAFKA_RESP_ERR__INTR
        | RD_KAFKA_RESP_ERR__PARTIAL
        | RD_KAFKA_RESP_ERR__UNDERFLOW
        | RD_KAFKA_RESP_ERR__PURGE_INFLIGHT
        | RD_KAFKA_RESP_ERR__FAIL
        | RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE
        | RD_KAFKA_RESP_ERR__INCONSISTENT
        | RD_KAFKA_RESP_ERR_UNKNOWN
        | RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
        | RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION
        | RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE
        | RD_KAFKA_RESP_ERR_NOT_COORDINATOR
        | RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR
        | RD_KAFKA_RESP_ERR_OPERATION_NOT_ATTEMPTED => Meaning::Ambiguous,

        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
        | RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
        | RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED
        | RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_AUTHORIZATION_FAILED => Meaning::Unauthorized,

        RD_KAFKA_RESP_ERR__SSL
        | RD_KAFKA_RESP_ERR__AUTHENTICATION
        | RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM
        | RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE
        | RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED
        | RD_KAFKA_RESP_ERR_SECURITY_DISABLED
        | RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_AUTH_DISABLED
        | RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_NOT_FOUND
        | RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_OWNER_MISMATCH
        | RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
        | RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_EXPIRED
        | RD_KAFKA_RESP_ERR_INVALID_PRINCIPAL_TYPE
        | RD_KAFKA_RESP_ERR_UNACCEPTABLE_CREDENTIAL
        | RD_KAFKA_RESP_ERR_PRINCIPAL_DESERIALIZATION_FAILURE => Meaning::Unauthenticated,

        RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE
        | RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
        | RD_KAFKA_RESP_ERR__LOG_TRUNCATION => Meaning::OutOfRange,

        RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
        | RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
        | RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
        | RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID => Meaning::Gone,

        RD_KAFKA_RESP_ERR__BAD_MSG
        | RD_KAFKA_RESP_ERR__BAD_COMPRESSION
        | RD_KAFKA_RESP_ERR_INVALID_MSG
        | RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE
        | RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
        | RD_KAFKA_RESP_ERR_INVALID_RECORD
        | RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT
        | RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE => Meaning::Corrupt,

        // Refused whatever happens, and codes that no request of a consumer is answered with.
        RD_KAFKA_RESP_ERR__BEGIN
        | RD_KAFKA_RESP_ERR__FS
        | RD_KAFKA_RESP_ERR__INVALID_ARG
        | RD_KAFKA_RESP_ERR__ISR_INSUFF
        | RD_KAFKA_RESP_ERR__UNKNOWN_GROUP
        | RD_KAFKA_RESP_ERR__EXISTING_SUBSCRIPTION
        | RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
        | RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS
        | RD_KAFKA_RESP_ERR__CONFLICT
        | RD_KAFKA_RESP_ERR__UNKNOWN_PROTOCOL
        | RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED
        | RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE
        | RD_KAFKA_RESP_ERR__KEY_SERIALIZATION
        | RD_KAFKA_RESP_ERR__VALUE_SERIALIZATION
        | RD_KAFKA_RESP_ERR__KEY_DESERIALIZATION
        | RD_KAFKA_RESP_ERR__VALUE_DESERIALIZATION
        | RD_KAFKA_RESP_ERR__READ_ONLY
        | RD_KAFKA_RESP_ERR__NOENT
        | RD_KAFKA_RESP_ERR__INVALID_TYPE
        | RD_KAFKA_RESP_ERR__FATAL
        | RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE
        | RD_KAFKA_RESP_ERR__NOT_CONFIGURED
        | RD_KAFKA_RESP_ERR__APPLICATION
        | RD_KAFKA_RESP_ERR__INVALID_DIFFERENT_RECORD
        | RD_KAFKA_RESP_ERR__END
        | RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE
        | RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION
        | RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE
        | RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS
        | RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL
        | RD_KAFKA_RESP_ERR_INVALID_GROUP_ID
        | RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT
        | RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE
        | RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP
        | RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION
        | RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS
        | RD_KAFKA_RESP_ERR_INVALID_PARTITIONS
        | RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR
        | RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT
        | RD_KAFKA_RESP_ERR_INVALID_CONFIG
        | RD_KAFKA_RESP_ERR_INVALID_REQUEST
        | RD_KAFKA_RESP_ERR_POLICY_VIOLATION
        | RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER
        | RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER
        | RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
        | RD_KAFKA_RESP_ERR_INVALID_TXN_STATE
        | RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING
        | RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT
        | RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS
        | RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED
        | RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        | RD_KAFKA_RESP_ERR_LOG_DIR_NOT_FOUND
        | RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID
        | RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP
        | RD_KAFKA_RESP_ERR_TOPIC_DELETION_DISABLED
        | RD_KAFKA_RESP_ERR_ELECTION_NOT_NEEDED
        | RD_KAFKA_RESP_ERR_NO_REASSIGNMENT_IN_PROGRESS
        | RD_KAFKA_RESP_ERR_GROUP_SUBSCRIBED_TO_TOPIC
        | RD_KAFKA_RESP_ERR_PRODUCER_FENCED
        | RD_KAFKA_RESP_ERR_RESOURCE_NOT_FOUND
        | RD_KAFKA_RESP_ERR_DUPLICATE_RESOURCE
        | RD_KAFKA_RESP_ERR_INCONSISTENT_VOTER_SET
        | RD_KAFKA_RESP_ERR_INVALID_UPDATE_VERSION
        | RD_KAFKA_RESP_ERR_FEATURE_UPDATE_FAILED
        | RD_KAFKA_RESP_ERR_UNSUPPORTED_ASSIGNOR
        | RD_KAFKA_RESP_ERR_UNKNOWN_SUBSCRIPTION_ID
        | RD_KAFKA_RESP_ERR_TELEMETRY_TOO_LARGE
        | RD_KAFKA_RESP_ERR_END_ALL => Meaning::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(number: i32) -> Code {
        Code::from_raw(number).unwrap()
    }

    /// Rows of the fault catalogue as codes, what a commit comes to, and what a lookup comes to.
    #[test]
    fn commits_and_lookups_keep_error_absence_and_unknown_apart() {
        use Outcome::{Refused, Unknown};
        use Refusal::*;
        let rows: &[(&str, i32, Outcome<()>, Outcome<()>)] = &[
            ("row 5: ack lost", -195, Unknown, Unknown),
            ("row 5: timed out", -185, Unknown, Unknown),
            ("row 5: broker timed out", 7, Unknown, Unknown),
            ("row 8: invalid for one", 28, Refused(Invalid), Refused(Unavailable)),
            ("row 12: metadata", 12, Refused(Invalid), Refused(Unavailable)),
            ("row 23: generation", 22, Refused(Fenced), Refused(Rebalancing)),
            ("row 23: member", 25, Refused(Fenced), Refused(Rebalancing)),
            ("row 23: member epoch", 110, Refused(Fenced), Refused(Rebalancing)),
            ("row 22: max poll", -147, Refused(Fenced), Refused(Rebalancing)),
            ("row 24: rebalance", 27, Refused(Rebalancing), Refused(Rebalancing)),
            ("row 25: stale epoch", 113, Refused(Rebalancing), Refused(Rebalancing)),
            ("row 26: unstable", 88, Refused(Unavailable), Refused(Unavailable)),
            ("row 32: instance", 82, Refused(InstanceFenced), Refused(InstanceFenced)),
            ("row 37: loading", 14, Refused(Unavailable), Refused(Unavailable)),
            ("row 37: not available", 15, Unknown, Unknown),
            ("row 37: moved", 16, Unknown, Unknown),
            ("row 41: group", 30, Refused(Unauthorized), Refused(Unauthorized)),
            ("row 41: full", 81, Refused(Unavailable), Refused(Unavailable)),
            ("row 48: deleted", 3, Refused(Invalid), Refused(Unavailable)),
            ("row 56: leader moved", 6, Refused(Unavailable), Refused(Unavailable)),
            ("row 114: throttled", 89, Refused(Unavailable), Refused(Unavailable)),
            ("row 116: token", 58, Refused(Unavailable), Refused(Unavailable)),
            ("row 117: replicas", 19, Refused(Unavailable), Refused(Unavailable)),
            ("row 117: after append", 20, Unknown, Unknown),
            ("row 117: disk", 56, Unknown, Unknown),
            ("row 119: all down", -187, Refused(Unavailable), Refused(Unavailable)),
            ("a code of a newer broker", 32_000, Unknown, Unknown),
        ];
        for (row, number, commit, lookup) in rows {
            assert_eq!(commit_outcome(code(*number)), *commit, "commit, {row}");
            assert_eq!(lookup_outcome::<()>(code(*number)), *lookup, "lookup, {row}");
        }
    }

    #[test]
    fn only_what_the_client_cannot_heal_fails_a_partition() {
        use FetchFailure::*;
        let rows = [
            ("row 42: retention", 1, Some(OutOfRange)),
            ("row 43: truncation", -139, Some(OutOfRange)),
            ("row 43: no reset", -140, Some(OutOfRange)),
            ("row 48: deleted", 3, Some(Gone)),
            ("row 48: unknown to the client", -190, Some(Gone)),
            ("row 54: corrupt", -199, Some(Corrupt)),
            ("row 54: crc on the broker", 2, Some(Corrupt)),
            ("row 55: too large", 10, Some(Corrupt)),
            ("row 41: topic", 29, Some(Unauthorized)),
            ("row 56: leader moved", 6, None),
            ("row 56: leader epoch", 74, None),
            ("row 56: unknown leader epoch", 75, None),
            ("row 119: all down", -187, None),
            ("end of partition", -191, None),
        ];
        for (row, number, expected) in rows {
            assert_eq!(fetch_failure(code(number)), expected, "{row}");
        }
    }

    #[test]
    fn no_error_code_reads_as_a_committed_offset_or_its_absence() {
        for number in (-200..=200).chain([i32::from(i16::MAX)]).filter(|number| *number != 0) {
            assert!(
                !matches!(lookup_outcome::<()>(code(number)), Outcome::Done(())),
                "code {number} reads as an answer"
            );
            assert!(
                !matches!(commit_outcome(code(number)), Outcome::Done(())),
                "code {number} reads as a commit"
            );
        }
    }
}
