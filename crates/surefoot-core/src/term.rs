//! Terms: what ties a piece of work to the assignment that it was done under.
//!
//! A partition can be taken away and given back while a handler still runs. Its answer then
//! belongs to an assignment that is over, and nothing it says may move the new one. Everything
//! that leaves the engine carries its term, and whatever comes back with a term that is over is
//! counted and dropped.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// One assignment of one partition to this consumer; never used twice by one engine.
///
/// A seek begins a new term on the same assignment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(u64);

/// Which run of a record's handler within its term this is, from one.
pub type Attempt = NonZeroU32;

/// The first attempt.
pub const FIRST_ATTEMPT: Attempt = NonZeroU32::MIN;

/// A moment: the monotonic time that every deadline uses, and the wall clock as data.
///
/// Both count from an origin that the caller keeps for the life of the engine; wall time counts
/// from the Unix epoch. The engine never compares wall times, so that a clock that jumps moves
/// no deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time since the caller's origin.
    pub mono: Mono,
    /// Wall clock, milliseconds since the Unix epoch.
    pub wall_ms: i64,
}

/// Monotonic time since an origin of the caller's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mono(pub Duration);

impl Term {
    /// The term with this number. Only a shell that reads terms back (a history, a test) needs it.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, for histories and logs.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Mono {
    /// The moment `delay` later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay))
    }

    /// The time from `earlier` to this moment, zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
