//! P14, positions jump only by an explicit decision.
//!
//! An error or a late answer of the coordinator taken for "nothing is committed" throws the group
//! back to the beginning or forward to the end, without any error to see. So a start must say what
//! decided it, that decision must be on record, and what it says was committed must be what the
//! coordinator held at some instant between the assignment and the start.

use crate::facts::{Facts, Origin, Partition, Start, Stored, Term};
use crate::findings::{Evidence, Findings};
use crate::history::{Event, StartReason};
use crate::verdict::Predicate::P14;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(P14);
    let decisions = Decisions::gather(facts);
    for (number, term) in facts.terms.iter().enumerate() {
        let Some(start) = &term.start else { continue };
        let wrong = decisions
            .missing(number, term, start)
            .or_else(|| not_what_was_stored(facts, term, start));
        if let Some(what) = wrong {
            findings.report(P14, || {
                let message = format!(
                    "{} term {} starts at {} by {:?}: {what}",
                    facts.name_of(term),
                    term.number,
                    start.known.position,
                    start.known.reason
                );
                (message, vec![Evidence::Entry(term.began), Evidence::Entry(start.entry)])
            });
        }
    }
}

/// The seeks and resets on record, by the term that they put somewhere.
struct Decisions {
    // By term: where its seek went, if it was known then.
    seeks: Vec<Option<Option<i64>>>,
    resets: Vec<(usize, u32, i64)>,
}

impl Decisions {
    fn gather(facts: &Facts<'_>) -> Self {
        let mut seeks = vec![None; facts.terms.len()];
        let mut resets = Vec::new();
        for (number, term) in facts.terms.iter().enumerate() {
            if term.origin == Origin::Seek
                && let Event::Seek(seek) = &facts.entry(term.began).event
            {
                seeks[number] = Some(seek.position);
            }
        }
        for (index, entry) in facts.entries() {
            if let Event::Reset(reset) = &entry.event
                && let Some(term) = facts.term_of(index)
            {
                resets.push((term, index, reset.to));
            }
        }
        Self { seeks, resets }
    }

    /// What is wrong with the reason that a start gives.
    fn missing(&self, number: usize, term: &Term<'_>, start: &Start<'_>) -> Option<String> {
        let known = start.known;
        let sought = self.seeks[number];
        match (known.reason, known.committed) {
            (StartReason::Committed, None) => Some("nothing was committed".into()),
            (StartReason::Committed, Some(committed)) if committed != known.position => {
                Some(format!("position {committed} was committed"))
            }
            (StartReason::Seek, _) => match sought {
                None => Some("no seek began this term".into()),
                Some(Some(to)) if to != known.position => Some(format!("the seek went to {to}")),
                Some(_) => None,
            },
            (StartReason::Reset, _) => {
                let on_record = self.resets.iter().any(|&(of, entry, to)| {
                    of == number && entry < start.entry && to == known.position
                });
                (!on_record).then(|| "no reset to this position is on record".into())
            }
            (_, _) if term.origin == Origin::Seek => Some("a seek began this term".into()),
            (StartReason::Committed, Some(_)) => None,
            (_, Some(committed)) => {
                Some(format!("a start policy decided although position {committed} was committed"))
            }
            (_, None) => None,
        }
    }
}

/// What the coordinator held instead of what the start says was committed.
fn not_what_was_stored(facts: &Facts<'_>, term: &Term<'_>, start: &Start<'_>) -> Option<String> {
    let told = start.known.committed;
    if !facts.knows_stored || term.origin == Origin::Seek {
        return None;
    }
    let partition = facts.partition_of(term);
    // A reset may be told without what had been committed.
    if start.known.reason == StartReason::Reset && told.is_none() {
        return None;
    }
    let held = held_between(facts, partition, term.began, start.entry);
    if held.contains(&told) {
        return None;
    }
    let held = held.iter().map(|held| held.map_or("nothing".into(), |held| held.to_string()));
    Some(format!(
        "it was told that {} was committed, and the coordinator held {}",
        told.map_or_else(|| "nothing".to_owned(), |told| told.to_string()),
        held.collect::<Vec<String>>().join(", then ")
    ))
}

/// What was stored for a partition at any instant between two entries.
fn held_between(
    facts: &Facts<'_>,
    partition: &Partition<'_>,
    from: u32,
    to: u32,
) -> Vec<Option<i64>> {
    // A dump has milliseconds of another clock.
    let slack = facts.promise.clock_slack_ms * 1_000 + 1_000;
    let surely_before = |stored: &Stored| match stored.entry {
        Some(entry) => entry < from,
        None => stored.at + slack < facts.at(from),
    };
    let surely_after = |stored: &Stored| match stored.entry {
        Some(entry) => entry > to,
        None => stored.at > facts.at(to) + slack,
    };
    // Times of a dump need not rise; its order is what counts.
    let first = partition.stored.iter().rposition(surely_before);
    let mut held = vec![first.map_or(partition.before, |index| partition.stored[index].position)];
    let rest = &partition.stored[first.map_or(0, |index| index + 1)..];
    for stored in rest.iter().take_while(|stored| !surely_after(stored)) {
        if held.last() != Some(&stored.position) {
            held.push(stored.position);
        }
    }
    held
}
