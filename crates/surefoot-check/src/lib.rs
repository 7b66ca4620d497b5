//! Judges recorded histories of Kafka consumption against a delivery guarantee.
//!
//! A guarantee is a statement about what happened, across processes and their deaths, so it is
//! judged from the outside: from the lines that each process wrote while it ran, and from dumps of
//! the topic and of the group's committed offsets. Nothing here calls the code that it judges.
//!
//! [`load`] reads files (the page `docs/history.md` is their format), [`judge`] judges a [`Run`]
//! against a [`Promise`], and the [`Verdict`] is shown with `Display`, written with `serde`, and
//! turned into an exit code with [`Verdict::exit_code`]:
//!
//! ```no_run
//! use surefoot_check::{EXIT_REFUSED, Promise, judge, load};
//!
//! let code = match load(&["histories/"]) {
//!     Ok(run) => {
//!         let promise = Promise::of(&run).expect("a run that was read has members");
//!         let verdict = judge(&run, &promise);
//!         eprint!("{verdict}");
//!         verdict.exit_code()
//!     }
//!     Err(refused) => {
//!         eprintln!("{refused}");
//!         EXIT_REFUSED
//!     }
//! };
//! # let _ = code;
//! ```
//!
//! A simulation fills a run while it goes on; the order of calls is the order of the run:
//!
//! ```
//! use surefoot_check::history::{Assigned, Begin, Event, FORMAT, Guarantee, ProcessingOrder};
//! use surefoot_check::{Promise, Run, judge};
//!
//! let mut run = Run::new();
//! let begin = Begin {
//!     format: FORMAT,
//!     member: "a".into(),
//!     incarnation: 1,
//!     group: "billing".into(),
//!     guarantee: Guarantee::AtLeastOnce,
//!     processing_order: ProcessingOrder::Key,
//!     topics: vec!["orders".into()],
//!     window: 0,
//!     max_in_flight: 16,
//!     max_buffered_bytes: 1 << 20,
//!     drain_deadline_ms: 5_000,
//!     pid: 0,
//! };
//! let a = run.begin(1_000, begin);
//! let assigned = Assigned { topic: "orders".into(), partition: 0, term: 1 };
//! run.push(a, 1_010, Event::Assigned(assigned));
//! // … `start_known`, `delivered`, `started`, `ended`, … then `run.add_topic(dump)`.
//!
//! let verdict = judge(&run, &Promise::new(Guarantee::AtLeastOnce, ProcessingOrder::Key));
//! assert!(verdict.passed, "{verdict}");
//! assert_eq!(verdict.counts.incarnations, 1);
//! ```

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
mod wording;

pub use judge::judge;
pub use load::{LoadError, load};
pub use promise::{Completeness, ForeignCommits, Liveness, Promise};
pub use report::{EXIT_PASSED, EXIT_REFUSED, EXIT_VIOLATED};
pub use run::{Entry, Run, Source, SourceId};
pub use verdict::{
    Counts, NotJudged, Predicate, SHOWN_PER_PREDICATE, ShownEvent, Verdict, Violation,
};
