//! P6, late results change nothing.
//!
//! A handler cannot be called back, so results arrive for terms that are over. Only a simulation
//! can compare the whole state of a partition before and after, so only there are such lines
//! written.

use crate::facts::Facts;
use crate::findings::{Evidence, Findings};
use crate::history::Event;
use crate::verdict::Predicate::P6;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    let mut any = false;
    for (index, entry) in facts.entries() {
        let Event::Stale(stale) = &entry.event else { continue };
        any = true;
        if stale.before == stale.after {
            continue;
        }
        findings.report(P6, || {
            let message = format!(
                "{}[{}]@{}: a result of term {}, which had ended, changed the partition's state",
                stale.topic, stale.partition, stale.offset, stale.term
            );
            (message, vec![Evidence::Entry(index)])
        });
    }
    if any {
        findings.judged(P6);
    } else {
        findings.not_judged(P6, "no `stale` lines: only a simulation compares states");
    }
}
