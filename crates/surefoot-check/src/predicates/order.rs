//! P7, records of a lane are handled one after the other.
//!
//! A lane is a partition or a key in it. Within a process, a record starts only when the record
//! before it in its lane is terminal in the same term, and never while any call of its lane still
//! runs, be it of a term that is over: the handler does not know about terms. Across processes,
//! order follows from this and from starting at the committed position; it is judged for
//! at-least-once too, where every earlier record must be done by somebody. At-most-once may skip
//! what a crash took, and a member that slept through its replacement may start late what it had
//! committed first: that is counted, not judged.

use std::collections::HashMap;

use crate::facts::{Facts, Flight, NEVER, Partition, Term};
use crate::findings::{Evidence, Findings};
use crate::history::{Guarantee, ProcessingOrder};
use crate::verdict::Predicate::P7;

/// Judges the order and counts the calls that came before an earlier record of their lane.
pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) -> u64 {
    if facts.promise.processing_order == ProcessingOrder::Unordered {
        findings.not_judged(P7, "the processing order is unordered");
        return 0;
    }
    findings.judged(P7);
    let mut running: HashMap<(usize, u32), usize> = HashMap::new();
    let mut highest: HashMap<u32, usize> = HashMap::new();
    let mut out_of_order = 0;
    // Flights are in the order of their starts.
    for (number, flight) in facts.flights.iter().enumerate() {
        let term = &facts.terms[flight.term];
        let partition = facts.partition_of(term);
        for record in flight.records(partition) {
            let lane = partition.records[record].lane;
            if lane == NEVER {
                continue;
            }
            alone_in_process(facts, &mut running, (term.source, lane), number, findings);
            after_the_one_before(facts, flight, record, findings);
            let in_order = match facts.promise.guarantee {
                Guarantee::AtMostOnce => {
                    let highest = highest.entry(lane).or_insert(record);
                    let late = record < *highest;
                    *highest = record.max(*highest);
                    !late
                        || partition.jumps_back_to(partition.records[record].offset, flight.start)
                            > 0
                }
                Guarantee::AtLeastOnce | Guarantee::Manual => {
                    after_all_of_the_run(facts, flight, record, findings)
                }
            };
            out_of_order += u64::from(!in_order);
        }
    }
    out_of_order
}

fn alone_in_process(
    facts: &Facts<'_>,
    running: &mut HashMap<(usize, u32), usize>,
    lane: (usize, u32),
    number: usize,
    findings: &mut Findings,
) {
    let Some(other) = running.insert(lane, number).filter(|&other| other != number) else {
        return;
    };
    let flight = &facts.flights[number];
    let other = &facts.flights[other];
    if other.end.is_some_and(|end| end < flight.start) {
        return;
    }
    findings.report(P7, || {
        let message = format!(
            "{} started while {} of the same lane ran in the same process",
            place(facts, flight),
            place(facts, other)
        );
        let end = other.end.into_iter();
        let shown = [other.start, flight.start].into_iter().chain(end);
        (message, shown.map(Evidence::Entry).collect())
    });
}

fn after_the_one_before(
    facts: &Facts<'_>,
    flight: &Flight,
    record: usize,
    findings: &mut Findings,
) {
    let term = &facts.terms[flight.term];
    let partition = facts.partition_of(term);
    let mut before = partition.records[record].before;
    while before != NEVER && before as usize >= term.low && (before as usize) < flight.first {
        let index = before as usize;
        let slot = term.slot(index);
        before = partition.records[index].before;
        if slot.started >= flight.start
            && (slot.terminal < flight.start || !is_due(partition, index))
        {
            // Skipped, or compacted away: the one before it decides.
            continue;
        }
        let done = slot.terminal.min(match facts.promise.guarantee {
            // Whatever became of it, it will not run again.
            Guarantee::AtMostOnce => slot.ended,
            _ => NEVER,
        });
        if done < flight.start {
            return;
        }
        findings.report(P7, || {
            let message = format!(
                "{} started in term {} while {}@{} of the same lane was not done",
                place(facts, flight),
                term.number,
                partition.name(),
                partition.records[index].offset
            );
            let started = (slot.started < flight.start).then_some(slot.started);
            let shown = started.into_iter().chain([flight.start]);
            (message, shown.map(Evidence::Entry).collect())
        });
        return;
    }
}

fn after_all_of_the_run(
    facts: &Facts<'_>,
    flight: &Flight,
    record: usize,
    findings: &mut Findings,
) -> bool {
    let term = &facts.terms[flight.term];
    let partition = facts.partition_of(term);
    let mut before = partition.records[record].before;
    while before != NEVER {
        let earlier = &partition.records[before as usize];
        let passed = before as usize >= flight.first
            || earlier.offset < partition.base
            || earlier.terminal < flight.start
            || partition.is_passed_over(earlier.offset, flight.start);
        if passed {
            return true;
        }
        if is_due(partition, before as usize) {
            break;
        }
        before = earlier.before;
    }
    if before == NEVER {
        return true;
    }
    // Within the term it was judged already.
    if (before as usize) < term.low {
        findings.report(P7, || {
            let message = format!(
                "{} started before anybody was done with {}@{} of the same lane",
                place(facts, flight),
                partition.name(),
                partition.records[before as usize].offset
            );
            (message, vec![Evidence::Entry(flight.start)])
        });
    }
    false
}

/// Whether a record must be done before the next of its lane: a compacted one need not.
fn is_due(partition: &Partition<'_>, record: usize) -> bool {
    partition.records[record].visible
}

fn place(facts: &Facts<'_>, flight: &Flight) -> String {
    let term: &Term<'_> = &facts.terms[flight.term];
    let partition = facts.partition_of(term);
    format!("{}@{}", partition.name(), partition.records[flight.first].offset)
}
