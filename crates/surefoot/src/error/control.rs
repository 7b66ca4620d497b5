//! Why a request to a running consumer is refused.
//!
//! Only what the caller can change is here. A partition that moved on during the request is an
//! answer ([`CommitAnswer`](crate::CommitAnswer), [`SeekAnswer`](crate::SeekAnswer)), because every
//! correct program meets it.

use std::sync::Arc;

use surefoot_core::{ControlRefusal, Offset, Position, Refusal, TopicPartition};

/// A request to a running consumer that cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The partition is not assigned to this consumer, or its start is not known yet.
    #[error("{partition} is not assigned to this consumer, or its start is not known yet")]
    NotAssigned {
        /// The partition.
        partition: TopicPartition,
    },
    /// A record that would be skipped is being handled.
    #[error(
        "{partition}@{offset} is being handled and cannot be skipped: wait until it ended, or \
         commit at {offset}"
    )]
    Running {
        /// The partition.
        partition: TopicPartition,
        /// The record.
        offset: Offset,
    },
    /// The position lies below what the group stores.
    #[error(
        "{partition}: {committed} is committed already: a lower position is a reset, not a commit; \
         seek to read again, or reset the group while it has no members"
    )]
    BelowCommitted {
        /// The partition.
        partition: TopicPartition,
        /// What the group stores.
        committed: Position,
    },
    /// The position lies above everything that was read.
    #[error("{partition}: nothing was read above {position}: seek before you commit there")]
    AboveRead {
        /// The partition.
        partition: TopicPartition,
        /// The next offset to read.
        position: Position,
    },
    /// The broker does not let this principal use the group.
    #[error("{partition}: the broker refuses the commit: the principal may not use the group")]
    Unauthorized {
        /// The partition.
        partition: TopicPartition,
    },
    /// The broker refuses the commit whenever it is made.
    #[error("{partition}: the broker refuses the commit: {refusal}")]
    Broker {
        /// The partition.
        partition: TopicPartition,
        /// Why.
        refusal: Arc<str>,
    },
    /// The consumer takes no requests while it stops.
    #[error("the consumer is stopping")]
    Stopping,
    /// The consumer is not running any more, or was dropped before it ran.
    #[error("the consumer is not running")]
    NotRunning,
    /// The client could not find out.
    #[error("the client has no answer: {reason}")]
    NoAnswer {
        /// The client's reason.
        reason: Arc<str>,
    },
}

impl From<ControlRefusal> for ControlError {
    fn from(refusal: ControlRefusal) -> Self {
        match refusal {
            ControlRefusal::NotAssigned(partition) => Self::NotAssigned { partition },
            ControlRefusal::Running(partition, offset) => Self::Running { partition, offset },
            ControlRefusal::BelowCommitted(partition, committed) => {
                Self::BelowCommitted { partition, committed }
            }
            ControlRefusal::AboveRead(partition, position) => {
                Self::AboveRead { partition, position }
            }
            ControlRefusal::Broker(partition, Refusal::Unauthorized) => {
                Self::Unauthorized { partition }
            }
            ControlRefusal::Broker(partition, refusal) => {
                let refusal = match refusal {
                    Refusal::Fenced => "this consumer is no longer a member of the group",
                    Refusal::Rebalancing => "the group is rebalancing",
                    Refusal::Unavailable => "the coordinator is not available",
                    Refusal::Unauthorized => "the principal may not use the group",
                    Refusal::InstanceFenced => "another process uses this group.instance.id",
                    Refusal::Invalid => "the request is invalid",
                };
                Self::Broker { partition, refusal: refusal.into() }
            }
            ControlRefusal::Stopping => Self::Stopping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_where_and_what_to_do_instead() {
        let check = |refusal| ControlError::from(refusal).to_string();
        let orders = || TopicPartition::new("orders", 3);
        insta::assert_snapshot!(
            check(ControlRefusal::NotAssigned(orders())),
            @"orders[3] is not assigned to this consumer, or its start is not known yet"
        );
        insta::assert_snapshot!(
            check(ControlRefusal::Running(orders(), Offset::new(42))),
            @"orders[3]@42 is being handled and cannot be skipped: wait until it ended, or commit at 42"
        );
        insta::assert_snapshot!(
            check(ControlRefusal::BelowCommitted(orders(), Position::new(40))),
            @"orders[3]: 40 is committed already: a lower position is a reset, not a commit; seek to read again, or reset the group while it has no members"
        );
        insta::assert_snapshot!(
            check(ControlRefusal::AboveRead(orders(), Position::new(90))),
            @"orders[3]: nothing was read above 90: seek before you commit there"
        );
        insta::assert_snapshot!(
            check(ControlRefusal::Broker(orders(), Refusal::Unauthorized)),
            @"orders[3]: the broker refuses the commit: the principal may not use the group"
        );
        insta::assert_snapshot!(
            check(ControlRefusal::Broker(orders(), Refusal::Invalid)),
            @"orders[3]: the broker refuses the commit: the request is invalid"
        );
    }
}
