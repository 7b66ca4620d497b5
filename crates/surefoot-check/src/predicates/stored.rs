//! P2, the committed position never moves back; P3, a commit stays within bounds.
//!
//! A position that moves back replays; one that moves beyond the log makes the next start fall out
//! of range and be reset. Both come from old answers, retries that overtake, and arithmetic off by
//! one, and both are read from what the coordinator stored, not from what members believe.

use crate::facts::{Facts, JumpKind};
use crate::findings::{Evidence, Findings};
use crate::history::StartReason;
use crate::promise::ForeignCommits;
use crate::verdict::Predicate::{P2, P3};

/// Judges both and counts the commits that moved back.
pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) -> u64 {
    within_bounds(facts, findings);
    if !facts.knows_stored {
        findings.not_judged(P2, "what the coordinator stored is not known");
        return 0;
    }
    findings.judged(P2);
    let mut moved_back = 0;
    for partition in 0..facts.partitions.len() {
        moved_back += never_back(facts, partition, findings);
    }
    moved_back
}

fn never_back(facts: &Facts<'_>, number: usize, findings: &mut Findings) -> u64 {
    let partition = &facts.partitions[number];
    let mut moved_back = 0;
    let mut before: Option<(usize, i64)> = None;
    let mut jumped: Vec<usize> = Vec::new();
    for (index, stored) in partition.stored.iter().enumerate() {
        let Some(position) = stored.position else {
            before = None;
            continue;
        };
        if let Some((earlier, highest)) = before
            && position < highest
            && !is_explained(facts, number, index, &mut jumped)
        {
            moved_back += 1;
            findings.report(P2, || {
                let message = format!(
                    "{} moved back from {highest} to {position} without a seek or a reset",
                    partition.name()
                );
                let sent = stored.commit.map(|commit| Evidence::Entry(facts.commits[commit].sent));
                let shown = [Evidence::Stored(number, earlier)].into_iter().chain(sent);
                (message, shown.chain([Evidence::Stored(number, index)]).collect())
            });
        }
        before = Some((index, position));
    }
    moved_back
}

/// Whether a step back is the first commit of a term that an explicit decision had put there.
fn is_explained(
    facts: &Facts<'_>,
    partition: usize,
    index: usize,
    jumped: &mut Vec<usize>,
) -> bool {
    let stored = &facts.partitions[partition].stored[index];
    let Some(commit) = stored.commit else {
        // Nobody of this run; judged as a foreign commit.
        return facts.promise.foreign_commits == ForeignCommits::Allowed;
    };
    let commit = &facts.commits[commit];
    let term = &facts.terms[commit.term];
    let moved =
        term.start.as_ref().is_some_and(|start| {
            matches!(start.known.reason, StartReason::Seek | StartReason::Reset)
        }) || facts.partitions[partition].jumps.iter().any(|jump| {
            jump.kind == JumpKind::Asked
                && term.began < jump.entry
                && jump.entry < term.ended()
                && jump.entry < commit.sent
        });
    if !moved || jumped.contains(&commit.term) {
        return false;
    }
    jumped.push(commit.term);
    true
}

fn within_bounds(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(P3);
    for commit in &facts.commits {
        let term = &facts.terms[commit.term];
        let partition = &facts.partitions[commit.partition];
        let Some(start) = &term.start else { continue };
        let jumped_to = partition
            .jumps
            .iter()
            .filter(|jump| term.began < jump.entry && jump.entry < commit.sent)
            .map(|jump| jump.to)
            .min();
        let lowest = start.known.position.min(jumped_to.unwrap_or(i64::MAX));
        let highest = partition.next_visible(term.reached_before(commit.sent)).min(partition.end());
        let what = if commit.position < lowest {
            format!("is below {lowest}, where term {} started", term.number)
        } else if commit.position > partition.end() {
            format!("is beyond the end of the log, {}", partition.end())
        } else if commit.position > highest {
            format!(
                "is beyond {highest}, the most that delivery had reached in term {}",
                term.number
            )
        } else {
            continue;
        };
        findings.report(P3, || {
            let message = format!("{} position {} {what}", partition.name(), commit.position);
            (message, vec![Evidence::Entry(start.entry), Evidence::Entry(commit.sent)])
        });
    }
}
