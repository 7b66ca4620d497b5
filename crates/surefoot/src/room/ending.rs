//! How the engine's thread ended, and why it could not begin.
//!
//! Each way to fail names what to change: these are the last words of a program that somebody
//! reads at night.

use std::time::Duration;

use surefoot_core::Stopped;

/// The engine came to rest.
#[derive(Debug)]
pub(crate) struct Exit {
    /// How.
    pub(crate) stopped: Stopped,
    /// Whether the group knows.
    pub(crate) departure: Departure,
}

/// How the group learns that the member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// The member left the group.
    Left,
    /// The client did not close in time, or was told not to: the group waits for the session
    /// timeout.
    Abandoned,
    /// It had not joined yet.
    NeverJoined,
}

/// Why the engine's thread ended without the engine coming to rest.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoomError {
    /// It could not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Another process uses this `group.instance.id`.
    #[error(
        "fenced: another process uses group.instance.id `{instance}` in group `{group}`; give each \
         process its own"
    )]
    InstanceFenced {
        /// The instance id.
        instance: String,
        /// The group.
        group: String,
    },
    /// The group may not be used any more.
    #[error(
        "group `{group}`: not authorised for longer than {grace:?}: allow READ on the group to \
         {principal}"
    )]
    GroupUnauthorized {
        /// The group.
        group: String,
        /// Who asked.
        principal: String,
        /// How long it was tried again.
        grace: Duration,
    },
    /// The client cannot go on.
    #[error("the kafka client cannot go on: {message} ({code})")]
    Client {
        /// librdkafka's name of the error.
        code: String,
        /// librdkafka's words.
        message: String,
    },
    /// The thread panicked: a bug.
    #[error("the consumer's thread panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
}

/// Why a consumer could not start. Nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No broker answered in time.
    #[error(
        "no broker of `{bootstrap_servers}` answered within {timeout:?}: {reason}; check host and \
         port{hint}"
    )]
    NoBroker {
        /// The brokers that were asked.
        bootstrap_servers: String,
        /// How long.
        timeout: Duration,
        /// The client's last words about them.
        reason: String,
        /// What else to look at.
        hint: &'static str,
    },
    /// The broker refused the credentials.
    #[error("authentication failed for {principal}: {reason}")]
    Authentication {
        /// Who tried.
        principal: String,
        /// The client's words.
        reason: String,
    },
    /// The TLS handshake failed.
    #[error(
        "no TLS connection to `{bootstrap_servers}`: {reason}; check `ssl.ca.location` and that \
         the port speaks TLS"
    )]
    Tls {
        /// The brokers that were asked.
        bootstrap_servers: String,
        /// The client's words.
        reason: String,
    },
    /// The topic does not exist.
    #[error("topic `{topic}` does not exist: create it, or check the spelling")]
    UnknownTopic {
        /// The topic.
        topic: String,
    },
    /// The topic may not be used, or does not exist: brokers answer the same.
    #[error(
        "topic `{topic}`: not authorised: allow DESCRIBE and READ on the topic to {principal} (or \
         it does not exist)"
    )]
    TopicUnauthorized {
        /// The topic.
        topic: String,
        /// Who asked.
        principal: String,
    },
    /// The topic's name is not one.
    #[error("topic `{topic}` cannot be used: {reason}")]
    InvalidTopic {
        /// The topic.
        topic: String,
        /// The broker's words.
        reason: String,
    },
    /// The group may not be used.
    #[error("group `{group}`: not authorised: allow READ on the group to {principal}")]
    GroupUnauthorized {
        /// The group.
        group: String,
        /// Who asked.
        principal: String,
    },
    /// The client refuses its options together.
    #[error("the kafka client refuses its options: {reason}")]
    Options {
        /// librdkafka's words.
        reason: String,
    },
}
