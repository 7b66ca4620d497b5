//! Apache Kafka on this machine, for tests, comparisons and trying things by hand.
//!
//! No mock stands in for Kafka where a guarantee is judged, so a test must be able to get a real
//! cluster and hurt it: kill a node, stop its clock, start it again on the same data. A
//! [`Cluster`] is a directory: every process that knows the directory can act on the nodes, which
//! is how tests, `cargo xtask kafka` and a shell beside them share one. A [`ScratchCluster`]
//! belongs to one test and dies with it.
//!
//! Nodes are found again through `/proc`, so the harness runs on Linux.

use std::path::PathBuf;

mod cluster;
pub mod command;
mod config;
mod group;
mod jars;
mod java;
mod metadata;
mod node;
mod ports;
mod scratch;
mod tools;
mod version;

pub use cluster::{Cluster, ClusterOptions};
pub use config::{Listeners, Setting, User};
pub use group::{Group, GroupPartition};
pub use jars::Jars;
pub use node::NodeState;
pub(crate) use node::every_thread_is_stopped;
pub use scratch::ScratchCluster;
pub use version::KafkaVersion;

/// Where clusters lie unless a caller says otherwise: `target/kafka` of this workspace.
fn harness_directory() -> PathBuf {
    crate::workspace().join("target/kafka")
}
