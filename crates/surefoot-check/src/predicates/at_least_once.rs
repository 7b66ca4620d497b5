//! P21, at-least-once: nothing is lost, and repeats have a cause.
//!
//! A record that several terms started was repeated. All but one of these terms must have had a
//! reason to leave it to somebody else: they were cut off while no acknowledged commit of theirs
//! covered it. An orderly release is no such reason, unless its drain ran out of time, its commit
//! was not acknowledged, or a record that failed (or was held back by a pause) kept the frontier
//! below. Under manual control the application decides what to commit, so whatever it left
//! uncommitted may repeat.

use super::ending::{Ended, how_it_ended};
use crate::facts::{Facts, NEVER, Partition, Term};
use crate::findings::{Evidence, Findings};
use crate::history::Guarantee;
use crate::promise::Completeness;
use crate::verdict::Predicate::P21;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.promise.guarantee == Guarantee::AtMostOnce {
        findings.not_judged(P21, "the guarantee is at-most-once");
        return;
    }
    findings.judged(P21);
    for number in 0..facts.partitions.len() {
        nothing_lost(facts, number, findings);
        repeats_have_causes(facts, number, findings);
    }
}

fn nothing_lost(facts: &Facts<'_>, number: usize, findings: &mut Findings) {
    let partition = &facts.partitions[number];
    let committed = partition.committed().unwrap_or(partition.base);
    let upto = match facts.promise.completeness {
        Completeness::WholeLog => i64::MAX,
        Completeness::OnlyCommitted => committed,
    };
    // Neighbours that share their fate are one violation.
    let mut missed: Vec<Vec<usize>> = Vec::new();
    let is_below = |index: usize| partition.records[index].offset < committed;
    let mut before = None;
    for index in partition.visible_between(partition.base, upto) {
        let record = &partition.records[index];
        let fine = record.is_done() || partition.is_passed_over(record.offset, NEVER);
        if !fine {
            match missed.last_mut() {
                Some(run)
                    if run.last() == before.as_ref()
                        && is_below(run[run.len() - 1]) == is_below(index) =>
                {
                    run.push(index);
                }
                _ => missed.push(vec![index]),
            }
        }
        before = Some(index);
    }
    for run in missed {
        findings.report(P21, || show_missed(facts, number, &run, committed));
    }
}

/// Says what became of neighbouring records that nobody handled, and shows who had them.
fn show_missed(
    facts: &Facts<'_>,
    number: usize,
    run: &[usize],
    committed: i64,
) -> (String, Vec<Evidence>) {
    let partition = &facts.partitions[number];
    let (first, last) = (run[0], run[run.len() - 1]);
    let (from, to) = (partition.records[first].offset, partition.records[last].offset);
    let records = match run.len() {
        1 => format!("{}@{from} is", partition.name()),
        count => format!("{}@{from}..={to}, {count} records, are", partition.name()),
    };
    let message = if from < committed {
        format!("{records} lost: never handled, and position {committed} is committed")
    } else {
        format!("{records} unhandled when the run ends, and nothing above is committed")
    };
    let terms = || partition.terms.iter().map(|&term| &facts.terms[term]);
    let slots = terms().map(|term| term.slot(first));
    let mut shown: Vec<u32> =
        slots.flat_map(|slot| [slot.started, slot.failed]).filter(|&e| e != NEVER).collect();
    if let Some(owner) = terms().next_back().filter(|_| shown.is_empty()) {
        shown.push(owner.began);
        shown.extend(owner.end.map(|end| end.entry));
    }
    let covering = partition.stored.iter().position(|s| s.position.is_some_and(|p| p > from));
    let shown = shown.into_iter().map(Evidence::Entry);
    (message, shown.chain(covering.map(|index| Evidence::Stored(number, index))).collect())
}

fn repeats_have_causes(facts: &Facts<'_>, number: usize, findings: &mut Findings) {
    let partition = &facts.partitions[number];
    if partition.records.iter().all(|record| record.starts <= 1) {
        return;
    }
    let leavings: Vec<(usize, Leaving)> =
        partition.terms.iter().map(|&term| (term, Leaving::of(facts, term))).collect();
    for (index, record) in partition.records.iter().enumerate() {
        if record.starts <= 1 {
            continue;
        }
        let keepers = || {
            leavings.iter().filter(|(term, leaving)| {
                let term = &facts.terms[*term];
                term.slot(index).is_started() && !leaving.leaves(index, record.offset)
            })
        };
        let may = 1 + partition.jumps_back_to(record.offset, NEVER);
        if keepers().count() <= may {
            continue;
        }
        findings.report(P21, || {
            let message = format!(
                "{}@{} was started in {} terms that had no reason to leave it to another",
                partition.name(),
                record.offset,
                keepers().count()
            );
            let shown = keepers().flat_map(|(term, _)| {
                let term = &facts.terms[*term];
                [Some(term.slot(index).started), term.end.map(|end| end.entry)]
            });
            (message, shown.flatten().map(Evidence::Entry).collect())
        });
    }
}

/// Which of its records a term had a reason to leave to its successor.
struct Leaving {
    /// Below this everything is covered by an acknowledged commit: no reason.
    acknowledged: i64,
    /// Below this all is done.
    frontier: usize,
    /// Whether all that is not covered may be left.
    all: bool,
    /// Whether what holds the frontier back is excused.
    held_back: bool,
}

impl Leaving {
    fn of(facts: &Facts<'_>, number: usize) -> Self {
        let term = &facts.terms[number];
        let commits = term.commits.iter().map(|&commit| &facts.commits[commit]);
        let acknowledged = commits.filter(|commit| commit.acknowledged() != NEVER);
        let acknowledged = acknowledged.map(|commit| commit.position).max();
        let manual = facts.promise.guarantee == Guarantee::Manual && term.end.is_some();
        // Refused for good, or in doubt to the end: nothing later could be committed.
        let last = term.commits.last().map(|&commit| &facts.commits[commit]);
        let cut_off = term.end.is_some() && last.is_some_and(|c| c.acknowledged() == NEVER);
        let frontier = frontier(facts.partition_of(term), term);
        let failed = term.slot(frontier).failed != NEVER;
        let held = term.is_held() || term.drained_paused;
        // A record that waited out the pause may be gone from the log, and nobody names it then.
        let kept = acknowledged.or_else(|| term.position()).unwrap_or(i64::MIN);
        let dump = facts.partition_of(term).dump;
        let may_be_gone = held && dump.is_some_and(|dump| kept < dump.log_start);
        Self {
            acknowledged: acknowledged.unwrap_or(i64::MIN),
            frontier: if may_be_gone { term.low } else { frontier },
            all: manual || cut_off || how_it_ended(facts, term) == Ended::Badly,
            held_back: term.end.is_some() && (failed || held),
        }
    }

    fn leaves(&self, record: usize, offset: i64) -> bool {
        if offset < self.acknowledged {
            return false;
        }
        self.all || (record >= self.frontier && self.held_back)
    }
}

/// The first record that was delivered and not terminal when the term ended, or the first that was
/// not delivered. A record that the log has lost since counts if it was started.
pub(super) fn frontier(partition: &Partition<'_>, term: &Term<'_>) -> usize {
    let past = partition.at_or_above(term.reached_at_end());
    (term.low..past)
        .find(|&record| {
            let slot = term.slot(record);
            (partition.records[record].visible || slot.is_started()) && !slot.is_terminal()
        })
        .unwrap_or_else(|| past.max(term.low))
}
