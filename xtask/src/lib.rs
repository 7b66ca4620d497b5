//! What the project's chores are made of, for `cargo xtask` and for tests.
//!
//! The harness is a library first: a test that kills a broker at an exact moment needs a function
//! to call, not a shell command. Nothing here links a Kafka client, so that a chore builds in
//! seconds; the harness speaks the one Kafka request that it needs itself, and everything else that
//! talks to Kafka is a process: Surefoot's own programs, Kafka's tools, a Java or Python client.

use std::path::{Path, PathBuf};

pub mod audit;
pub mod bench;
mod cache;
pub mod crew;
pub mod flights;
pub mod kafka;
pub mod plants;
pub mod programs;
pub mod python;
pub mod scene;
pub mod sim;
pub mod test_kafka;

/// The directory of this workspace.
fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the package lies in the workspace").to_path_buf()
}
