//! How a command reaches the cluster: which brokers, with which options, and for how long it waits.
//!
//! The Kafka client never gives up on a cluster by itself: a wrong port looks like a slow network
//! to it. So each command first asks for the cluster's id with a deadline, listens to what the
//! client complains of meanwhile, and turns that into one line that names the setting to change.

mod connection;
mod diagnosis;
mod events;
mod log_reader;
mod options;

use std::time::Duration;

use clap::ValueEnum;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};

pub(crate) use connection::{Connection, Partition};
pub(crate) use diagnosis::{Action, refusal};
pub(crate) use events::{Events, Fault};
pub(crate) use log_reader::{DECIDED as READER_DECIDED, LogReader, Next, Span};
pub(crate) use options::{Property, explain as explain_options};

use crate::args::Global;
use crate::complaint::Complaint;

/// A cluster and the options to talk to it.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    options: ClientConfig,
    timeout: Duration,
    verbose: u8,
}

/// What a reader sees of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Isolation {
    /// Records of committed transactions, and only up to the first open one
    ReadCommitted,
    /// All records, aborted ones too
    ReadUncommitted,
}

impl Isolation {
    /// Kafka's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ReadCommitted => "read_committed",
            Self::ReadUncommitted => "read_uncommitted",
        }
    }
}

/// An option that a command decides itself, and what to use in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decided {
    /// The client's name of it.
    pub(crate) option: &'static str,
    /// Why it cannot be passed through.
    pub(crate) instead: &'static str,
}

impl Cluster {
    /// Puts the options of the command line and of the file together.
    pub(crate) fn of(global: &Global) -> Result<Self, Complaint> {
        Ok(Self {
            options: options::gather(global)?,
            timeout: global.timeout,
            verbose: global.verbose,
        })
    }

    /// Refuses options that contradict what the command promises.
    pub(crate) fn refuse(&self, decided: &[Decided]) -> Result<(), Complaint> {
        for Decided { option, instead } in decided {
            if let Some(value) = self.options.get(option) {
                return Err(Complaint::refused(format!("{option}={value} cannot be set here"))
                    .hint(*instead));
            }
        }
        Ok(())
    }

    /// Options for one more client of this cluster.
    pub(crate) fn options(&self) -> ClientConfig {
        let mut options = self.options.clone();
        options.set_log_level(match self.verbose {
            0 | 1 => RDKafkaLogLevel::Info,
            _ => RDKafkaLogLevel::Debug,
        });
        options
    }

    /// How long an answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Connects, or says why that did not work.
    pub(crate) fn connect(&self, isolation: Isolation) -> Result<Connection, Complaint> {
        Connection::open(self, isolation)
    }

    /// The value of an option, where it was set.
    pub(crate) fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key)
    }

    /// All options that were set, in the order of their names.
    pub(crate) fn all_options(&self) -> Vec<(String, String)> {
        // The map that the client gives has its secrets blackened.
        let names = self.options.config_map().into_keys();
        let set = names.filter_map(|name| Some((name.to_owned(), self.option(name)?.to_owned())));
        set.collect()
    }
}
