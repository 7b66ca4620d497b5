//! P12, limits hold: handler calls at once, bytes held, and at-most-once records committed ahead.
//!
//! What runs is counted from the calls themselves, those of terms that are over included: the
//! process still runs them. What is held is only known from `gauge` lines. What is committed ahead
//! is what a crash would lose at that instant, over all partitions of the member, from the moment
//! of sending.

use super::window;
use crate::facts::Facts;
use crate::findings::{Evidence, Findings};
use crate::history::{Event, Guarantee};
use crate::verdict::Predicate::P12;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(P12);
    running_at_once(facts, findings);
    gauges(facts, findings);
    if facts.promise.guarantee == Guarantee::AtMostOnce {
        window::judge(facts, findings);
    }
}

fn running_at_once(facts: &Facts<'_>, findings: &mut Findings) {
    let mut ends: Vec<(u32, usize)> = facts
        .flights
        .iter()
        .filter_map(|flight| Some((flight.end?, facts.terms[flight.term].source)))
        .collect();
    ends.sort_unstable();
    let mut ends = ends.into_iter().peekable();
    let mut running = vec![0_u64; facts.incarnations.len()];
    for flight in &facts.flights {
        while let Some((_, source)) = ends.next_if(|&(end, _)| end < flight.start) {
            running[source] -= 1;
        }
        let source = facts.terms[flight.term].source;
        running[source] += 1;
        let begin = facts.incarnation_of(&facts.terms[flight.term]).begin;
        if running[source] > begin.max_in_flight {
            findings.report(P12, || {
                let message = format!(
                    "{}: {} handler calls ran at once, max_in_flight is {}",
                    begin.name(),
                    running[source],
                    begin.max_in_flight
                );
                (message, vec![Evidence::Entry(flight.start)])
            });
        }
    }
}

fn gauges(facts: &Facts<'_>, findings: &mut Findings) {
    for (index, entry) in facts.entries() {
        let Event::Gauge(gauge) = &entry.event else { continue };
        let Some(incarnation) = &facts.incarnations[entry.source.index()] else { continue };
        let begin = incarnation.begin;
        let most = begin.max_buffered_bytes.saturating_add(facts.promise.buffer_slack_bytes);
        let what = if gauge.running > begin.max_in_flight {
            format!("{} handler calls, max_in_flight is {}", gauge.running, begin.max_in_flight)
        } else if gauge.buffered_bytes > most {
            format!(
                "{} bytes held, max_buffered_bytes is {} and one fetch may add {}",
                gauge.buffered_bytes, begin.max_buffered_bytes, facts.promise.buffer_slack_bytes
            )
        } else {
            continue;
        };
        findings
            .report(P12, || (format!("{}: {what}", begin.name()), vec![Evidence::Entry(index)]));
    }
}
