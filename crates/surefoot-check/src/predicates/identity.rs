//! P16, offsets of a deleted topic are not committed to its successor.
//!
//! A topic that was deleted and made anew has the same name and other records. An old offset
//! committed to the new topic silently skips its beginning. Kafka's topic ids tell them apart: the
//! id under which a term read must be the id for which its commit is stored.

use crate::facts::Facts;
use crate::findings::{Evidence, Findings};
use crate::verdict::Predicate::P16;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    let mut any = false;
    for (number, partition) in facts.partitions.iter().enumerate() {
        let dumped = partition.dump.and_then(|dump| dump.topic_id.as_ref());
        let last = partition.stored.len().wrapping_sub(1);
        for (index, stored) in partition.stored.iter().enumerate() {
            // The dump tells the id of the topic that there is now, so of the last position only.
            let now = dumped.filter(|_| index == last);
            let Some(stored_for) = stored.topic_id.as_ref().or(now) else { continue };
            let Some(commit) = stored.commit.map(|commit| &facts.commits[commit]) else { continue };
            let start = facts.terms[commit.term].start.as_ref();
            let Some((start, read)) =
                start.and_then(|start| Some((start.entry, start.known.topic_id.as_ref()?)))
            else {
                continue;
            };
            any = true;
            if read == stored_for {
                continue;
            }
            findings.report(P16, || {
                let message = format!(
                    "{} position {} was read from topic id {read} and stored for {stored_for}",
                    partition.name(),
                    commit.position
                );
                let sent = Evidence::Entry(commit.sent);
                (message, vec![Evidence::Entry(start), sent, Evidence::Stored(number, index)])
            });
        }
    }
    if any {
        findings.judged(P16);
    } else {
        findings.not_judged(P16, "no topic ids in starts and in stored positions or dumps");
    }
}
