//! Judges recorded histories of Kafka consumption against a delivery guarantee.
//!
//! A guarantee is a statement about what happened, across processes and their deaths, so it is judged
//! from the outside: from the lines that each process wrote while it ran, and from dumps of the topic
//! and of the group's committed offsets. Nothing here calls the code that it judges.

#![forbid(unsafe_code)]

mod facts;
mod findings;
pub mod history;
mod judge;
mod load;
mod predicates;
mod promise;
mod report;
mod run;
mod verdict;

pub use judge::judge;
pub use load::{LoadError, load};
pub use promise::{Completeness, ForeignCommits, Liveness, Promise};
pub use report::{EXIT_PASSED, EXIT_REFUSED, EXIT_VIOLATED};
pub use run::{Entry, Run, Source, SourceId};
pub use verdict::{
    Counts, NotJudged, Predicate, SHOWN_PER_PREDICATE, ShownEvent, Verdict, Violation,
};
