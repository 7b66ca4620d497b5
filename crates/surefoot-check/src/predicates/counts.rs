//! The counts of a run, taken from the same facts as the predicates.
//!
//! Each record in scope has exactly one fate, so the fates add up; a number that can be checked by
//! another program (how many were produced, handled, lost, repeated) is worth more than a verdict.

use crate::facts::{Ending, Facts, NEVER, Origin, Partition, Record};
use crate::history::{Event, Guarantee};
use crate::verdict::Counts;

/// Counts what happened; what a predicate counts while it judges is filled in by the caller.
pub(super) fn count(facts: &Facts<'_>) -> Counts {
    let mut counts = Counts::default();
    for partition in &facts.partitions {
        for record in &partition.records {
            counts.repeated += u64::from(record.starts.saturating_sub(1));
            counts.produced += u64::from(record.visible);
            if record.visible && record.offset >= partition.base {
                count_fate(facts, partition, record, &mut counts);
            }
        }
        counts.commits_applied += partition.stored.len() as u64;
    }
    let incarnations = || facts.incarnations.iter().flatten();
    counts.incarnations = incarnations().count() as u64;
    counts.kills = incarnations().filter(|incarnation| incarnation.killed.is_some()).count() as u64;
    counts.lost_terms = facts
        .terms
        .iter()
        .filter(|term| term.end.is_some_and(|end| end.how == Ending::Lost))
        .count() as u64;
    counts.rebalances = rebalances(facts);
    counts
}

fn count_fate(facts: &Facts<'_>, partition: &Partition<'_>, record: &Record, counts: &mut Counts) {
    counts.in_scope += 1;
    let at_most_once = facts.promise.guarantee == Guarantee::AtMostOnce;
    let committed = partition.committed().unwrap_or(i64::MIN);
    let fate = if record.handled != NEVER {
        &mut counts.handled
    } else if record.terminal != NEVER {
        &mut counts.skipped
    } else if partition.is_passed_over(record.offset, NEVER) {
        &mut counts.passed_over
    } else if at_most_once && record.starts > 0 {
        &mut counts.interrupted
    } else if record.offset < committed {
        &mut counts.lost
    } else {
        &mut counts.unhandled
    };
    *fate += 1;
}

/// Partitions that a member was given one after the other, with nothing but ownership in between,
/// came from one rebalance.
fn rebalances(facts: &Facts<'_>) -> u64 {
    let mut rebalances = 0;
    let mut gaining = vec![false; facts.incarnations.len()];
    for (index, entry) in facts.entries() {
        let gaining = &mut gaining[entry.source.index()];
        match &entry.event {
            Event::Assigned(_) => {
                let announced =
                    facts.term_of(index).is_some_and(|t| facts.terms[t].origin == Origin::Assigned);
                rebalances += u64::from(announced && !*gaining);
                *gaining = true;
            }
            Event::StartKnown(_) | Event::Paused(_) | Event::Resumed(_) | Event::Gauge(_) => {}
            _ => *gaining = false,
        }
    }
    rebalances
}
