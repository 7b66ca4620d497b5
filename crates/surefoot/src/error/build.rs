//! Why a consumer cannot be built.

use surefoot_core::ConfigError;

use crate::kafka::settings::SettingsError;
use crate::room::PrepareError;

/// A consumer that cannot be built. Nothing was sent and no file was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is nothing to read.
    #[error("no topic is given: name one with topics, or a pattern with topic_pattern")]
    NoTopics,
    /// Kafka allows no such topic name.
    #[error(
        "topic `{topic}` is no topic name: use 1 to 249 of the characters a-z A-Z 0-9 . _ - (for \
         several by pattern: topic_pattern)"
    )]
    TopicName {
        /// The name as it was given.
        topic: String,
    },
    /// The client takes a pattern only from the start of the name.
    #[error(
        "topic pattern `{pattern}` does not begin with ^: write `^{pattern}`, or `^.*{pattern}`"
    )]
    TopicPattern {
        /// The pattern as it was given.
        pattern: String,
    },
    /// The guarantee, the order, the commit policy or a deadline contradict.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A name or an option of the client is refused.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The member's name cannot be part of a file's name.
    #[error(
        "record_history: member `{member}` cannot be part of a file's name: use letters, digits, \
         `.`, `_` and `-`"
    )]
    MemberName {
        /// The name as it was given.
        member: String,
    },
}

impl From<PrepareError> for BuildError {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Settings(error) => Self::Settings(error),
            PrepareError::Engine(error) => Self::Config(error),
        }
    }
}
