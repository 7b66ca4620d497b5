//! P9, each delivered record ends exactly once; and what else did not fit together while gathering.
//!
//! Two terminal decisions for one record mean that two places believe to own it. The oddities of
//! other predicates (a term that never began, a start told twice) are reported under their own
//! names.

use crate::facts::Facts;
use crate::findings::{Evidence, Findings};
use crate::history::Event;
use crate::verdict::Predicate;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(Predicate::P9);
    for oddity in &facts.oddities {
        findings.report(oddity.predicate, || {
            let evidence = oddity.because.into_iter().chain([oddity.entry]);
            (
                format!("{}: {}", place(facts, oddity.entry), oddity.what),
                evidence.map(Evidence::Entry).collect(),
            )
        });
    }
}

fn place(facts: &Facts<'_>, entry: u32) -> String {
    let event = &facts.entry(entry).event;
    let offset = match event {
        Event::Started(e) => Some(e.offset),
        Event::Ended(e) => Some(e.offset),
        Event::Skipped(e) => Some(e.offset),
        _ => None,
    };
    match (event.topic_partition(), offset) {
        (Some((topic, partition)), Some(offset)) => format!("{topic}[{partition}]@{offset}"),
        (Some((topic, partition)), None) => format!("{topic}[{partition}]"),
        _ => event.name().to_owned(),
    }
}
