//! Seeded simulation of the Surefoot engine.
//!
//! The real engine, several of it, runs against a model of Kafka that was written apart from it,
//! in virtual time, with everything going wrong that a seed chooses. Every run's history is judged
//! by the judge that real runs go through too. A seed is a run: the same seed gives the same trace.

#![forbid(unsafe_code)]

mod fabric;
mod judging;
mod kafka;
mod member;
mod plan;
mod random;
mod reach;
mod recorder;
mod report;
mod schedule;
mod world;

pub use judging::{SeedResult, run_seed, verdict_of};
pub use reach::{ReachTable, Reached};
pub use recorder::Tracing;
pub use report::{Failure, Report, StopAt, What, run_seeds};

impl Failure {
    /// Whether the seed panicked, which is no verdict.
    pub fn is_panic(&self) -> bool {
        matches!(self.what, What::Panic(_))
    }
}
