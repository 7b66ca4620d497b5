//! Runs handlers on what the engine's thread delivers.
//!
//! All calls run within the task that awaits the run: a record costs a poll, not a task, and a
//! handler may borrow what it needs. What a handler does to its task (a panic, a long computation)
//! is therefore this module's business: a panic ends its own call, and long computations belong on
//! threads of their own.

mod calls;
mod desk;
mod driver;
mod session;
mod terms;

pub(crate) use calls::{Calls, End};
pub(crate) use desk::{Blamed, Call, Desk, Ends, Part, Verdict, Why};
pub(crate) use driver::Driver;
pub(crate) use session::Session;
pub(crate) use terms::{Held, Terms};
