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
        "{partition}: position {position} lies below the committed one: that is a reset, not a \
         commit; seek to read again, or reset the group while it has no members"
    )]
    BelowCommitted {
        /// The partition.
        partition: TopicPartition,
        /// The position that was asked for.
        position: Position,
    },
    /// The position lies above everything that was read.
    #[error(
        "{partition}: position {position} lies above everything that was read: seek there first"
    )]
    AboveRead {
        /// The partition.
        partition: TopicPartition,
        /// The position that was asked for.
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
            ControlRefusal::BelowCommitted(partition, position) => {
                Self::BelowCommitted { partition, position }
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
