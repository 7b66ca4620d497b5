//! The predicates: each a statement about the gathered facts, each in a file with its family.
//!
//! They are independent of each other on purpose. Several of them notice one broken run, and none
//! relies on another to have noticed first.

mod at_least_once;
mod at_most_once;
mod contiguity;
mod counts;
mod coverage;
mod ending;
mod identity;
mod jumps;
mod limits;
mod liveness;
mod oddities;
mod order;
mod ownership;
mod pauses;
mod progress;
mod stale;
mod stop;
mod stored;
mod window;

use crate::facts::Facts;
use crate::findings::Findings;
use crate::verdict::Counts;

/// Judges all predicates that apply, and counts.
pub(crate) fn judge(facts: &Facts<'_>, findings: &mut Findings) -> Counts {
    let mut counts = counts::count(facts);
    oddities::judge(facts, findings);
    coverage::judge(facts, findings);
    counts.commits_moved_back = stored::judge(facts, findings);
    ownership::judge(facts, findings);
    stale::judge(facts, findings);
    counts.out_of_order = order::judge(facts, findings);
    contiguity::judge(facts, findings);
    limits::judge(facts, findings);
    pauses::judge(facts, findings);
    jumps::judge(facts, findings);
    identity::judge(facts, findings);
    at_most_once::judge(facts, findings);
    at_least_once::judge(facts, findings);
    stop::judge(facts, findings);
    liveness::judge(facts, findings);
    counts.longest_gap_ms = progress::judge(facts, findings);
    counts
}
