//! P4, only the owner commits; P5, nothing starts after its partition was given up.
//!
//! Both are judged by the incarnation's own lines: what it knew when it acted. Between "asked back"
//! and "given up" a member still commits, and drains: it starts nothing new, with one exception. A
//! record below one that has started already may start, because without it the commit stays below,
//! and what was handled above would be handled again by the next owner. At-most-once has committed
//! what it starts, so it may start until the partition is given up.

use crate::facts::Facts;
use crate::findings::{Evidence, Findings};
use crate::history::{Event, Guarantee};
use crate::verdict::Predicate::{P4, P5};

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(P4);
    for commit in &facts.commits {
        let term = &facts.terms[commit.term];
        if term.is_open_at(commit.sent) {
            continue;
        }
        findings.report(P4, || {
            let message = format!(
                "{} position {} was sent for term {}, which had ended",
                facts.name_of(term),
                commit.position,
                term.number
            );
            let end = term.end.map(|end| Evidence::Entry(end.entry));
            (message, end.into_iter().chain([Evidence::Entry(commit.sent)]).collect())
        });
    }
    findings.judged(P5);
    let mut highest_started = vec![i64::MIN; facts.terms.len()];
    for (index, entry) in facts.entries() {
        let Event::Started(started) = &entry.event else { continue };
        let Some(number) = facts.term_of(index) else { continue };
        let term = &facts.terms[number];
        let asked_back = term.revoking.filter(|&revoking| revoking < index);
        let may_drain = facts.promise.guarantee == Guarantee::AtMostOnce
            || started.offset <= highest_started[number];
        highest_started[number] =
            highest_started[number].max(started.last.unwrap_or(started.offset));
        let (what, since) = if term.ended() < index {
            ("had ended", term.ended())
        } else if let Some(revoking) = asked_back.filter(|_| !may_drain) {
            ("was asked back", revoking)
        } else {
            continue;
        };
        findings.report(P5, || {
            let message = format!(
                "{}@{} started in term {}, which {what}",
                facts.name_of(term),
                started.offset,
                term.number
            );
            (message, vec![Evidence::Entry(since), Evidence::Entry(index)])
        });
    }
}
