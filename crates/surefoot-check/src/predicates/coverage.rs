//! P1, a commit covers only what is done.
//!
//! The one law that a loss breaks: everything below a committed position is handled or skipped by
//! the time the commit is *sent*, whether it is applied or not. It is judged twice. In the commit's
//! own term, from where the term started: a member may not count on work that it cannot know of.
//! And over the whole run, from where the group started: a term that starts too high covers what
//! nobody did. At-most-once commits first, so there "done" means delivered to the one who commits.

use crate::facts::{Commit, Facts};
use crate::findings::{Evidence, Findings};
use crate::history::Guarantee;
use crate::promise::ForeignCommits;
use crate::verdict::Predicate::P1;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(P1);
    // By term and by partition: the first record that is not known to be done.
    let mut done_in_term: Vec<usize> = facts.terms.iter().map(|term| term.low).collect();
    let mut done_at_all: Vec<usize> =
        facts.partitions.iter().map(|partition| partition.at_or_above(partition.base)).collect();
    for commit in &facts.commits {
        let term = &facts.terms[commit.term];
        if term.start.as_ref().is_none_or(|start| commit.sent < start.entry) {
            findings.report(P1, || {
                let message = format!(
                    "{} position {} was sent before the start of term {} was known",
                    facts.name_of(term),
                    commit.position,
                    term.number
                );
                (message, vec![Evidence::Entry(term.began), Evidence::Entry(commit.sent)])
            });
            continue;
        }
        if facts.promise.guarantee == Guarantee::AtMostOnce {
            delivered_to_sender(facts, commit, findings);
            continue;
        }
        done_by_sender(facts, commit, &mut done_in_term[commit.term], findings);
        done_by_anyone(facts, commit, &mut done_at_all[commit.partition], findings);
    }
    sent_by_a_member(facts, findings);
}

fn delivered_to_sender(facts: &Facts<'_>, commit: &Commit, findings: &mut Findings) {
    let term = &facts.terms[commit.term];
    let partition = &facts.partitions[commit.partition];
    let reached = term.reached_before(commit.sent);
    if let Some(record) = partition.visible_between(reached, commit.position).next() {
        let offset = partition.records[record].offset;
        findings.report(P1, || {
            let message = format!(
                "{}@{offset} is covered by position {} and was not delivered in term {}",
                partition.name(),
                commit.position,
                term.number
            );
            (message, vec![Evidence::Entry(commit.sent)])
        });
    }
}

fn done_by_sender(facts: &Facts<'_>, commit: &Commit, done: &mut usize, findings: &mut Findings) {
    let term = &facts.terms[commit.term];
    let partition = &facts.partitions[commit.partition];
    let past = partition.at_or_above(commit.position);
    while *done < past {
        let record = partition.records[*done];
        let slot = term.slot(*done);
        *done += 1;
        if !record.visible || slot.terminal < commit.sent {
            continue;
        }
        findings.report(P1, || {
            let state = if slot.failed < commit.sent {
                "failed"
            } else if slot.started < commit.sent {
                "still ran"
            } else {
                "was not started"
            };
            let message = format!(
                "{}@{} {state} in term {} when position {} was sent",
                partition.name(),
                record.offset,
                term.number,
                commit.position
            );
            let known = [slot.started, slot.failed].into_iter().filter(|&e| e < commit.sent);
            (message, known.chain([commit.sent]).map(Evidence::Entry).collect())
        });
    }
}

fn done_by_anyone(facts: &Facts<'_>, commit: &Commit, done: &mut usize, findings: &mut Findings) {
    let partition = &facts.partitions[commit.partition];
    let term = &facts.terms[commit.term];
    // What lies in the sender's own term was judged there.
    let past = partition.at_or_above(commit.position).min(term.low);
    while *done < past {
        let record = partition.records[*done];
        let fine = !record.visible
            || record.terminal < commit.sent
            || partition.is_passed_over(record.offset, commit.sent);
        *done += 1;
        if fine {
            continue;
        }
        findings.report(P1, || {
            let message = format!(
                "{}@{} was handled by nobody when position {} was sent, by a term that started \
                 above it",
                partition.name(),
                record.offset,
                commit.position
            );
            let start = term.start.as_ref().map(|start| start.entry);
            (message, start.into_iter().chain([commit.sent]).map(Evidence::Entry).collect())
        });
    }
}

fn sent_by_a_member(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.promise.foreign_commits == ForeignCommits::Allowed {
        return;
    }
    for (number, partition) in facts.partitions.iter().enumerate() {
        for (index, stored) in partition.stored.iter().enumerate() {
            let sent = stored.commit.map(|commit| facts.commits[commit].sent);
            let in_order = match (sent, stored.entry) {
                (Some(sent), Some(applied)) => sent < applied,
                (sent, _) => sent.is_some(),
            };
            if in_order {
                continue;
            }
            findings.report(P1, || {
                let position =
                    stored.position.map_or_else(|| "a deletion".into(), |p| p.to_string());
                let message = format!(
                    "{} position {position} was stored and no member of this run had sent it: a \
                     history is missing, or another program commits for the group",
                    partition.name()
                );
                (message, vec![Evidence::Stored(number, index)])
            });
        }
    }
}
