//! P13, nothing starts while paused.
//!
//! Only reasons that hold back handlers count: the application's, the breaker's, and the drain's.
//! The others hold back fetching. A drain lets the records start that lie below one that has
//! started, as a revocation does, and under at-most-once what is committed already. A reason that
//! is set for a term that is over would outlive it: nobody would take it away.

use crate::facts::Facts;
use crate::findings::{Evidence, Findings};
use crate::history::{Event, Guarantee, PauseReason};
use crate::verdict::Predicate::P13;

/// The reasons that hold back handlers.
const HOLDING: [PauseReason; 3] = [PauseReason::User, PauseReason::Breaker, PauseReason::Drain];

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(P13);
    // By term: the entry that set each reason.
    let mut set: Vec<[Option<u32>; HOLDING.len()]> = vec![[None; HOLDING.len()]; facts.terms.len()];
    let mut highest_started = vec![i64::MIN; facts.terms.len()];
    for (index, entry) in facts.entries() {
        let Some(number) = facts.term_of(index) else { continue };
        let term = &facts.terms[number];
        match &entry.event {
            Event::Paused(pause) => {
                if !term.is_open_at(index) {
                    findings.report(P13, || {
                        let message = format!(
                            "{} was paused ({:?}) in term {}, which had ended",
                            facts.name_of(term),
                            pause.reason,
                            term.number
                        );
                        let end = term.end.map(|end| Evidence::Entry(end.entry)).into_iter();
                        (message, end.chain([Evidence::Entry(index)]).collect())
                    });
                }
                if let Some(place) = HOLDING.iter().position(|&reason| reason == pause.reason) {
                    set[number][place].get_or_insert(index);
                }
            }
            Event::Resumed(pause) => {
                if let Some(place) = HOLDING.iter().position(|&reason| reason == pause.reason) {
                    set[number][place] = None;
                }
            }
            Event::Started(started) => {
                let draining = started.offset <= highest_started[number]
                    || facts.promise.guarantee == Guarantee::AtMostOnce;
                highest_started[number] =
                    highest_started[number].max(started.last.unwrap_or(started.offset));
                let holding = HOLDING.iter().zip(set[number]).find_map(|(&reason, since)| {
                    let excused = reason == PauseReason::Drain && draining;
                    since.filter(|_| !excused).map(|since| (reason, since))
                });
                let Some((reason, since)) = holding else { continue };
                findings.report(P13, || {
                    let message = format!(
                        "{}@{} started while its partition was paused ({reason:?})",
                        facts.name_of(term),
                        started.offset
                    );
                    (message, vec![Evidence::Entry(since), Evidence::Entry(index)])
                });
            }
            _ => {}
        }
    }
}
