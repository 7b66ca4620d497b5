//! What the Kafka client says on its own: errors that no call returned, and log lines.
//!
//! A refused connection or a wrong password is never the answer of a call; the client reports it as
//! an event and goes on trying. Whoever waits for an answer reads these events to learn why none
//! comes.

use std::sync::mpsc::{self, Receiver, Sender};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// An error event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: RDKafkaErrorCode,
    pub(crate) reason: String,
}

/// Passes error events on, and log lines to tracing.
pub(crate) struct Events(Sender<Fault>);

impl Events {
    /// The listener, and where its faults arrive.
    pub(crate) fn channel() -> (Self, Receiver<Fault>) {
        let (sender, receiver) = mpsc::channel();
        (Self(sender), receiver)
    }

    fn pass_on(&self, code: RDKafkaErrorCode, reason: &str) {
        // Nobody listens once the command has its answer.
        let _ = self.0.send(Fault { code, reason: reason.to_owned() });
    }
}

impl ClientContext for Events {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // That a broker hung up is only logged: the client thinks it may have been idle too long.
        if facility == "FAIL" {
            self.pass_on(RDKafkaErrorCode::BrokerTransportFailure, message);
        }
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::error!(target: "librdkafka", facility, "{message}")
            }
            RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::info!(target: "librdkafka", %error, "{reason}");
        let Some(code) = error.rdkafka_error_code() else {
            return;
        };
        // Nobody listens once the command has its answer.
        let _ = self.0.send(Fault { code, reason: reason.to_owned() });
    }
}

impl ConsumerContext for Events {}
