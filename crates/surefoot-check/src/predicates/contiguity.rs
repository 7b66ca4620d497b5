//! P8, no visible record is left out or delivered again within a term.
//!
//! A client can hand over a lower offset than before, or jump over records, without an error;
//! nobody notices until the log itself is compared. Offsets without a visible record between two
//! deliveries are compaction gaps, transaction markers or aborted records, and as it should be.

use crate::facts::{Facts, Partition, Term};
use crate::findings::{Evidence, Findings};
use crate::history::{Delivered, Event};
use crate::verdict::Predicate::P8;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(P8);
    let mut expected: Vec<Option<i64>> = vec![None; facts.terms.len()];
    for (index, entry) in facts.entries() {
        let Some(number) = facts.term_of(index) else { continue };
        match &entry.event {
            Event::StartKnown(start) => expected[number] = Some(start.position),
            Event::Reset(reset) if expected[number].is_some() => expected[number] = Some(reset.to),
            Event::Delivered(delivered) => {
                let term = &facts.terms[number];
                if let Some(what) = wrong(facts, term, index, delivered, expected[number]) {
                    findings.report(P8, || {
                        let message = format!(
                            "{}@{}..={} in term {} {what}",
                            facts.name_of(term),
                            delivered.first,
                            delivered.last,
                            term.number
                        );
                        (message, vec![Evidence::Entry(index)])
                    });
                }
                expected[number] = Some(delivered.last + 1).max(expected[number]);
            }
            _ => {}
        }
    }
}

fn wrong(
    facts: &Facts<'_>,
    term: &Term<'_>,
    index: u32,
    delivered: &Delivered,
    expected: Option<i64>,
) -> Option<String> {
    let Some(expected) = expected else {
        return Some("was delivered before the start of the term was known".into());
    };
    if term.ended() < index {
        return Some("was delivered after the term had ended".into());
    }
    if delivered.last < delivered.first {
        return Some("ends before it begins".into());
    }
    if delivered.first < expected {
        return Some(format!("was delivered although the position was {expected} already"));
    }
    let partition = facts.partition_of(term);
    if let Some(left_out) = left_out(partition, term, expected, delivered.first) {
        let offset = partition.records[left_out].offset;
        return Some(format!(
            "was delivered next after {expected}, and offset {offset} was left out"
        ));
    }
    let visible = partition.visible_between(delivered.first, delivered.last + 1).count() as u64;
    if delivered.count < visible {
        return Some(format!(
            "has {} records, and the log has {visible} of these offsets",
            delivered.count
        ));
    }
    None
}

fn left_out(partition: &Partition<'_>, term: &Term<'_>, from: i64, to: i64) -> Option<usize> {
    let mut between = partition.visible_between(from, to);
    // A skip can pass over records that were never fetched.
    between.find(|&record| !term.slot(record).is_terminal())
}
