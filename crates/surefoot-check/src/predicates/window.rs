//! P12 for at-most-once: how many records are committed ahead of their start.
//!
//! That many are lost if the process dies now, so the bound must hold at every instant from the
//! sending of a commit on, summed over the member's partitions. The count is kept while walking: a
//! commit adds the visible records that it newly covers, a start or a skip takes its record away, a
//! refusal takes back what only the refused commit covered, and the end of a term takes away all of
//! its records.

use crate::facts::{Commit, End, Facts};
use crate::findings::{Evidence, Findings};
use crate::history::{CommitOutcome, Event};
use crate::verdict::Predicate::P12;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    let mut window = Window::new(facts);
    let mut ends: Vec<(End, usize)> = facts
        .terms
        .iter()
        .enumerate()
        .filter_map(|(number, term)| Some((term.end?, number)))
        .collect();
    ends.sort_unstable_by_key(|(end, _)| end.entry);
    let mut ends = ends.into_iter().peekable();
    let mut refusals: Vec<(u32, &Commit)> = facts
        .commits
        .iter()
        .filter_map(|commit| match commit.answer {
            Some((entry, CommitOutcome::Refused)) => Some((entry, commit)),
            _ => None,
        })
        .collect();
    refusals.sort_unstable_by_key(|&(entry, _)| entry);
    let mut refusals = refusals.into_iter().peekable();
    let mut commits = facts.commits.iter().peekable();
    for (index, entry) in facts.entries() {
        match &entry.event {
            Event::CommitSent(_) => {
                while let Some(commit) = commits.next_if(|commit| commit.sent == index) {
                    window.sent(commit);
                }
                window.check(index, entry.source.index(), findings);
            }
            Event::CommitEnded(_) => {
                while let Some((_, commit)) = refusals.next_if(|&(at, _)| at == index) {
                    window.refused(commit, index);
                }
            }
            Event::Started(_) | Event::Skipped(_) => window.taken(index),
            _ => {}
        }
        while let Some((_, term)) = ends.next_if(|(end, _)| end.entry == index) {
            window.ended(term);
        }
    }
}

struct Window<'f, 'a> {
    facts: &'f Facts<'a>,
    // By term: the first record that no commit covers, and how many covered ones wait.
    covered: Vec<usize>,
    waiting: Vec<u64>,
    // By source.
    ahead: Vec<u64>,
}

impl<'f, 'a> Window<'f, 'a> {
    fn new(facts: &'f Facts<'a>) -> Self {
        Self {
            facts,
            covered: facts.terms.iter().map(|term| term.low).collect(),
            waiting: vec![0; facts.terms.len()],
            ahead: vec![0; facts.incarnations.len()],
        }
    }

    fn sent(&mut self, commit: &Commit) {
        let term = &self.facts.terms[commit.term];
        let partition = &self.facts.partitions[commit.partition];
        let past = partition.at_or_above(commit.position);
        let from = self.covered[commit.term];
        if !term.is_open_at(commit.sent) || past <= from {
            return;
        }
        let added = (from..past).filter(|&record| self.waits(commit.term, record, commit.sent));
        let added = added.count() as u64;
        self.covered[commit.term] = past;
        self.waiting[commit.term] += added;
        self.ahead[commit.source] += added;
    }

    fn refused(&mut self, commit: &Commit, index: u32) {
        let term = &self.facts.terms[commit.term];
        if !term.is_open_at(index) {
            return;
        }
        let others = term.commits.iter().map(|&other| &self.facts.commits[other]);
        let covered = others
            .filter(|other| {
                let refused = other.is_refused() && other.answer.is_some_and(|(at, _)| at <= index);
                other.sent <= index && !refused
            })
            .map(|other| other.position)
            .max();
        let partition = &self.facts.partitions[commit.partition];
        let past = covered.map_or(term.low, |position| partition.at_or_above(position));
        let past = past.clamp(term.low, self.covered[commit.term]);
        let dropped = (past..self.covered[commit.term])
            .filter(|&record| self.waits(commit.term, record, index))
            .count() as u64;
        self.covered[commit.term] = past;
        self.waiting[commit.term] -= dropped;
        self.ahead[commit.source] -= dropped;
    }

    /// Takes away the records whose first start, or skip before any start, is this entry.
    fn taken(&mut self, index: u32) {
        let Some(number) = self.facts.term_of(index) else { return };
        let term = &self.facts.terms[number];
        if !term.is_open_at(index) {
            return;
        }
        let (first, last) = match &self.facts.entry(index).event {
            Event::Started(e) => (e.offset, e.last.unwrap_or(e.offset)),
            Event::Skipped(e) => (e.offset, e.last.unwrap_or(e.offset)),
            _ => return,
        };
        let partition = self.facts.partition_of(term);
        let past = partition.at_or_above(last + 1).min(self.covered[number]);
        for record in partition.at_or_above(first).max(term.low)..past {
            let slot = term.slot(record);
            let now = slot.started.min(slot.terminal) == index;
            if now && partition.records[record].visible {
                self.waiting[number] -= 1;
                self.ahead[term.source] -= 1;
            }
        }
    }

    fn ended(&mut self, term: usize) {
        let source = self.facts.terms[term].source;
        self.ahead[source] -= std::mem::take(&mut self.waiting[term]);
    }

    fn check(&self, index: u32, source: usize, findings: &mut Findings) {
        let Some(incarnation) = &self.facts.incarnations[source] else { return };
        let (ahead, begin) = (self.ahead[source], incarnation.begin);
        if ahead > begin.window {
            findings.report(P12, || {
                let message = format!(
                    "{}: {ahead} records are committed and not started, window is {}",
                    begin.name(),
                    begin.window
                );
                (message, vec![Evidence::Entry(index)])
            });
        }
    }

    fn waits(&self, term: usize, record: usize, at: u32) -> bool {
        let slot = self.facts.terms[term].slot(record);
        let visible =
            self.facts.partitions[self.facts.terms[term].partition].records[record].visible;
        visible && slot.started.min(slot.terminal) > at
    }
}
