//! P20, at-most-once: nothing starts twice or before its commit is acknowledged, and a crash loses
//! at most the window.
//!
//! The acknowledgement must be of the same term: a committed offset that was read back may be that
//! of a successor. A lost record is one below the final position that nobody started; it is put to
//! the account of the term whose commit was the first to cover it, and only a term that ended badly
//! has an account. All terms that a dying process takes with it share one.

use std::collections::BTreeMap;

use super::ending::{Ended, how_it_ended};
use crate::facts::{Ending, Facts, NEVER, Partition};
use crate::findings::{Evidence, Findings};
use crate::history::{CommitOutcome, Guarantee};
use crate::verdict::Predicate::P20;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.promise.guarantee != Guarantee::AtMostOnce {
        findings.not_judged(P20, "the guarantee is not at-most-once");
        return;
    }
    findings.judged(P20);
    acknowledged_first(facts, findings);
    never_twice(facts, findings);
    lost_within_window(facts, findings);
}

fn acknowledged_first(facts: &Facts<'_>, findings: &mut Findings) {
    let mut answers: Vec<(u32, usize, i64)> = facts
        .commits
        .iter()
        .filter_map(|commit| match commit.answer {
            Some((entry, CommitOutcome::Done)) => Some((entry, commit.term, commit.position)),
            _ => None,
        })
        .collect();
    answers.sort_unstable();
    let mut answers = answers.into_iter().peekable();
    let mut acknowledged = vec![i64::MIN; facts.terms.len()];
    for flight in &facts.flights {
        while let Some((_, term, position)) = answers.next_if(|&(entry, ..)| entry < flight.start) {
            acknowledged[term] = acknowledged[term].max(position);
        }
        let term = &facts.terms[flight.term];
        let last = flight.past.checked_sub(1).map(|last| facts.offset(term.partition, last));
        let Some(last) = last.filter(|&last| last >= acknowledged[flight.term]) else { continue };
        findings.report(P20, || {
            let message = format!(
                "{}@{last} started in term {} before a commit of this term that covers it was \
                 acknowledged",
                facts.name_of(term),
                term.number
            );
            let sent = term.commits.iter().map(|&commit| &facts.commits[commit]);
            let covering = sent.filter(|c| c.position > last).map(|c| c.sent).next();
            let shown = covering.filter(|&sent| sent < flight.start).into_iter();
            (message, shown.chain([flight.start]).map(Evidence::Entry).collect())
        });
    }
}

fn never_twice(facts: &Facts<'_>, findings: &mut Findings) {
    for (number, partition) in facts.partitions.iter().enumerate() {
        for (index, record) in partition.records.iter().enumerate() {
            let may = 1 + partition.jumps_back_to(record.offset, NEVER);
            if record.starts as usize <= may {
                continue;
            }
            findings.report(P20, || {
                let message = format!(
                    "{}@{} started {} times",
                    partition.name(),
                    record.offset,
                    record.starts
                );
                let calls = facts.flights.iter().filter(|flight| {
                    facts.terms[flight.term].partition == number
                        && (flight.first..flight.past).contains(&index)
                });
                (message, calls.map(|flight| Evidence::Entry(flight.start)).collect())
            });
        }
    }
}

/// Who answers for lost records: a process that died, or one term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Account {
    Process(usize),
    Term(usize),
}

/// What one account has lost: partitions and records, and the first commit that covered one.
struct Loss {
    commit: usize,
    records: Vec<(usize, usize)>,
}

fn lost_within_window(facts: &Facts<'_>, findings: &mut Findings) {
    let mut losses: BTreeMap<Account, Loss> = BTreeMap::new();
    for partition in 0..facts.partitions.len() {
        add_losses(facts, partition, &mut losses, findings);
    }
    for Loss { commit, records } in losses.into_values() {
        let commit = &facts.commits[commit];
        let term = &facts.terms[commit.term];
        // Without an acknowledgement nothing may start, however orderly the end.
        let doubtful = commit.acknowledged() == NEVER;
        let most = match how_it_ended(facts, term) {
            Ended::Orderly if !doubtful => 0,
            _ => facts.incarnation_of(term).begin.window,
        };
        if records.len() as u64 <= most {
            continue;
        }
        findings.report(P20, || {
            let (partition, record) = records[0];
            let message = format!(
                "{} records from {}@{} on were committed and never started; term {} ended so \
                 that it may lose {most}",
                records.len(),
                facts.partitions[partition].name(),
                facts.offset(partition, record),
                term.number
            );
            let end = term.end.map(|end| end.entry);
            (message, [commit.sent].into_iter().chain(end).map(Evidence::Entry).collect())
        });
    }
}

fn add_losses(
    facts: &Facts<'_>,
    number: usize,
    losses: &mut BTreeMap<Account, Loss>,
    findings: &mut Findings,
) {
    let partition = &facts.partitions[number];
    let Some(committed) = partition.committed() else { return };
    let first_to_cover = FirstToCover::of(partition);
    for index in partition.visible_between(partition.base, committed) {
        let record = &partition.records[index];
        if record.starts > 0 || record.is_done() || partition.is_passed_over(record.offset, NEVER) {
            continue;
        }
        let Some(commit) = first_to_cover.find(record.offset) else {
            findings.report(P20, || {
                let message = format!(
                    "{}@{} was never started, is below the committed position {committed}, and \
                     no member committed it",
                    partition.name(),
                    record.offset
                );
                let last = partition.stored.len().checked_sub(1);
                (message, last.map(|last| Evidence::Stored(number, last)).into_iter().collect())
            });
            continue;
        };
        let term = facts.commits[commit].term;
        let account = match facts.terms[term].end.map(|end| end.how) {
            Some(Ending::Killed | Ending::Exited(_)) => Account::Process(facts.terms[term].source),
            // It can still start them.
            None => continue,
            Some(_) => Account::Term(term),
        };
        let loss = losses.entry(account).or_insert_with(|| Loss { commit, records: Vec::new() });
        loss.records.push((number, index));
    }
}

/// The first commit of a partition, in the order of storing, that covers an offset.
struct FirstToCover {
    // Rising positions with the commit that first went that high; `None` for a foreign one.
    steps: Vec<(i64, Option<usize>)>,
}

impl FirstToCover {
    fn of(partition: &Partition<'_>) -> Self {
        let mut steps: Vec<(i64, Option<usize>)> = Vec::new();
        for stored in &partition.stored {
            let Some(position) = stored.position else { continue };
            if steps.last().is_none_or(|&(highest, _)| highest < position) {
                steps.push((position, stored.commit));
            }
        }
        Self { steps }
    }

    fn find(&self, offset: i64) -> Option<usize> {
        let step = self.steps.partition_point(|&(position, _)| position <= offset);
        self.steps.get(step).and_then(|&(_, commit)| commit)
    }
}
