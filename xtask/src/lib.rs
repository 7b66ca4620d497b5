//! What the project's chores are made of, for `cargo xtask` and for tests.
//!
//! The harness is a library first: a test that kills a broker at an exact moment needs a function
//! to call, not a shell command. Nothing here links a Kafka client, so that a chore builds in
//! seconds; the harness speaks the one Kafka request that it needs itself.

pub mod kafka;
