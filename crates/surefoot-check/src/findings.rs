//! Collects what the predicates find, and shows it in the words of the history.
//!
//! A broken run can break a predicate a million times, so texts are made for the first few only and
//! the rest is counted.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::verdict::{NotJudged, Predicate, SHOWN_PER_PREDICATE, ShownEvent, Violation};
use crate::wording;

/// What the predicates found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) judged: Vec<Predicate>,
    pub(crate) not_judged: Vec<NotJudged>,
    pub(crate) counts: BTreeMap<Predicate, u64>,
    found: Vec<Found>,
}

/// Something that shows a violation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Evidence {
    /// An event.
    Entry(u32),
    /// A stored position: partition and index.
    Stored(usize, usize),
}

#[derive(Debug)]
struct Found {
    predicate: Predicate,
    message: String,
    evidence: Vec<Evidence>,
}

impl Findings {
    /// Notes that a predicate is judged.
    pub(crate) fn judged(&mut self, predicate: Predicate) {
        self.judged.push(predicate);
    }

    /// Notes that a predicate cannot be judged.
    pub(crate) fn not_judged(&mut self, predicate: Predicate, why: &'static str) {
        self.not_judged.push(NotJudged { predicate, why });
    }

    /// Notes a violation. The text is asked for only if it will be shown.
    pub(crate) fn report(
        &mut self,
        predicate: Predicate,
        show: impl FnOnce() -> (String, Vec<Evidence>),
    ) {
        let count = self.counts.entry(predicate).or_insert(0);
        *count += 1;
        if *count <= SHOWN_PER_PREDICATE as u64 {
            let (message, evidence) = show();
            self.found.push(Found { predicate, message, evidence });
        }
    }

    /// The violations, in order of predicates.
    pub(crate) fn violations(&mut self, facts: &Facts<'_>) -> Vec<Violation> {
        self.found.sort_by_key(|found| found.predicate);
        self.found
            .drain(..)
            .map(|found| Violation {
                predicate: found.predicate,
                title: found.predicate.title(),
                message: found.message,
                events: found.evidence.iter().map(|&evidence| show(facts, evidence)).collect(),
            })
            .collect()
    }
}

fn show(facts: &Facts<'_>, evidence: Evidence) -> ShownEvent {
    let index = match evidence {
        Evidence::Entry(index) => index,
        Evidence::Stored(partition, stored) => {
            let partition = &facts.partitions[partition];
            let stored = &partition.stored[stored];
            match stored.entry {
                Some(index) => index,
                None => {
                    let text = match stored.position {
                        Some(position) => {
                            format!("stored {} position {position}", partition.name())
                        }
                        None => format!("deleted {}", partition.name()),
                    };
                    return ShownEvent {
                        source: "dump of the group's offsets".into(),
                        line: stored.dump_line,
                        at: stored.at,
                        index: None,
                        text,
                    };
                }
            }
        }
    };
    let entry = facts.entry(index);
    ShownEvent {
        source: facts.run.sources()[entry.source.index()].to_string(),
        line: entry.line,
        at: entry.at,
        index: Some(u64::from(index)),
        text: wording::text(&entry.event),
    }
}
