//! How a term ended, as far as it excuses anything.
//!
//! An orderly end has finished what ran and committed it, so nothing is lost or repeated after it.
//! A kill, a loss, an exit with an error, a seek, and a drain that ran out of time or followed a
//! failed handler are not.

use crate::facts::{Ending, Facts, Term};

/// Whether an end excuses losses (at-most-once) or repeats (at-least-once).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing needs to be lost or repeated.
    Orderly,
    /// The window may be lost, what was not committed may be repeated.
    Badly,
}

/// How a term ended. One that was in force when the run ended has not ended badly.
pub(super) fn how_it_ended(facts: &Facts<'_>, term: &Term<'_>) -> Ended {
    let Some(end) = term.end else { return Ended::Orderly };
    let badly = match end.how {
        // A seek drops what was not committed or not started: the application decided so.
        Ending::Killed | Ending::Lost | Ending::Seek => true,
        Ending::Exited(code) => code != 0,
        Ending::Revoked => {
            ran_out_of_time(facts, term, end.entry) || failed_before(facts, term, end.entry)
        }
    };
    if badly { Ended::Badly } else { Ended::Orderly }
}

/// Whether a handler had failed for good in the same process: that stops the consumer, and nothing
/// more is started while it stops.
fn failed_before(facts: &Facts<'_>, term: &Term<'_>, end: u32) -> bool {
    facts
        .incarnation_of(term)
        .failures
        .iter()
        .any(|&(entry, term, record)| entry < end && !facts.terms[term].slot(record).is_terminal())
}

/// How much of a drain may be kept for the last commit, when handlers are waited for no longer: a
/// quarter of the deadline, and no more than this.
const KEPT_FOR_COMMIT_MS: u64 = 2_000;

/// Whether the time from being asked back to the end used up what handlers have of the drain
/// deadline.
pub(super) fn ran_out_of_time(facts: &Facts<'_>, term: &Term<'_>, end: u32) -> bool {
    let incarnation = facts.incarnation_of(term);
    let stop = incarnation.signals.first().map(|&(entry, _)| entry);
    let asked = [term.revoking, stop.filter(|&stop| stop > term.began)];
    let Some(asked) = asked.into_iter().flatten().filter(|&asked| asked < end).min() else {
        return false;
    };
    let took = facts.at(end).saturating_sub(facts.at(asked));
    let deadline = incarnation.begin.drain_deadline_ms;
    let for_handlers = deadline - (deadline / 4).min(KEPT_FOR_COMMIT_MS);
    // Deadlines are told in whole milliseconds.
    took + 1_000 >= for_handlers * 1_000
}
