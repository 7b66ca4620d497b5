//! P43, no partition stands still while it has work; and the longest time that one did.
//!
//! "Alive but stuck" shows in nothing but the clock: the partition is owned, nothing pauses it, a
//! record waits, no handler of it runs, and nothing happens. The time does not count while the
//! member has no handler slot free, while the process is stopped, or once the partition is on its
//! way out.

use crate::facts::{Facts, Term};
use crate::findings::{Evidence, Findings};
use crate::history::{Event, Guarantee, PauseReason};
use crate::verdict::Predicate::P43;

/// Judges the predicate and returns the longest gap in milliseconds.
pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) -> u64 {
    if facts.promise.stall_bound_ms.is_some() {
        findings.judged(P43);
    } else {
        findings.not_judged(P43, "no bound was given");
    }
    let mut clocks = Clocks::new(facts);
    for (index, entry) in facts.entries() {
        clocks.take(index, &entry.event, entry.source.index(), findings);
    }
    clocks.finish(findings);
    clocks.longest_gap / 1_000
}

struct Clocks<'f, 'a> {
    facts: &'f Facts<'a>,
    available: Vec<Availability>,
    terms: Vec<Clock>,
    sources: Vec<Capacity>,
    // Handler calls in the order of their ends; the next one to end.
    ends: Vec<(u32, usize)>,
    next_end: usize,
    commits: Vec<(u32, usize)>,
    next_commit: usize,
    longest_gap: u64,
}

/// The stillness of one term.
#[derive(Debug, Clone)]
struct Clock {
    /// Since when, and by which entry, nothing happens; `None` while that is as it should be.
    still: Option<(u64, u32)>,
    /// Since when nothing ran, and nothing but fetching was going on.
    idle: Option<u64>,
    /// The first record that may wait.
    next: usize,
    running: u32,
    paused: Vec<PauseReason>,
    is_over: bool,
}

/// Whether a member has handler slots free.
#[derive(Debug, Clone, Default)]
struct Capacity {
    running: u64,
    /// Until when it had none.
    full_until: u64,
    is_stopping: bool,
}

/// When the records of a partition could be read.
enum Availability {
    Always,
    At(Vec<u64>),
}

impl<'f, 'a> Clocks<'f, 'a> {
    fn new(facts: &'f Facts<'a>) -> Self {
        let clock = |term: &Term<'_>| Clock {
            still: None,
            idle: None,
            next: term.low,
            running: 0,
            paused: Vec::new(),
            is_over: false,
        };
        let mut ends: Vec<(u32, usize)> =
            facts.flights.iter().filter_map(|flight| Some((flight.end?, flight.term))).collect();
        ends.sort_unstable();
        let mut commits: Vec<(u32, usize)> =
            facts.commits.iter().map(|commit| (commit.acknowledged(), commit.term)).collect();
        commits.sort_unstable();
        Self {
            facts,
            available: Availability::gather(facts),
            terms: facts.terms.iter().map(clock).collect(),
            sources: vec![Capacity::default(); facts.incarnations.len()],
            ends,
            next_end: 0,
            commits,
            next_commit: 0,
            longest_gap: 0,
        }
    }

    fn take(&mut self, index: u32, event: &Event, source: usize, findings: &mut Findings) {
        match event {
            Event::Signal(_) | Event::Left(_) | Event::Exited(_) => {
                self.stop(source, index, findings);
            }
            Event::CommitEnded(_) => self.acknowledged(index, findings),
            // The process ends elsewhere; its terms know where.
            Event::Killed(_) => self.died(index, findings),
            _ => {
                let Some(term) = self.facts.term_of(index) else { return };
                if !self.terms[term].is_over {
                    self.in_term(index, event, term, findings);
                    return;
                }
                // Out of the judgement, but it takes handler slots.
                match event {
                    Event::Started(_) => self.started(term, index, findings),
                    Event::Ended(_) => self.ended(index),
                    _ => {}
                }
            }
        }
    }

    fn in_term(&mut self, index: u32, event: &Event, term: usize, findings: &mut Findings) {
        let now = self.facts.at(index);
        match event {
            Event::Started(_) => {
                self.progress(term, index, findings);
                self.note_gap(term, index);
                self.started(term, index, findings);
            }
            Event::Ended(_) => {
                self.progress(term, index, findings);
                self.ended(index);
                if self.terms[term].running == 0 {
                    self.terms[term].idle = Some(now);
                }
            }
            Event::Paused(pause) => {
                self.progress(term, index, findings);
                self.terms[term].paused.push(pause.reason);
                if pause.reason == PauseReason::User {
                    self.terms[term].idle = None;
                }
            }
            Event::Resumed(pause) => {
                self.terms[term].paused.retain(|&reason| reason != pause.reason);
                if pause.reason == PauseReason::User {
                    self.terms[term].idle = Some(now);
                }
            }
            Event::StartKnown(_) => {
                self.progress(term, index, findings);
                self.terms[term].idle = Some(now);
            }
            Event::Revoking(_) | Event::Revoked(_) | Event::Lost(_) => {
                self.over(term, index, findings)
            }
            Event::Seek(_) => {
                self.over(term, index, findings);
                let next = self.facts.terms.iter().position(|t| t.began == index);
                if let Some(next) = next {
                    self.restart(next, index);
                }
                return;
            }
            Event::Assigned(_) | Event::Delivered(_) | Event::Skipped(_) | Event::Reset(_) => {
                self.progress(term, index, findings);
            }
            _ => return,
        }
        self.restart(term, index);
    }

    /// Something happened: whatever stood still until now, stands still no more.
    fn progress(&mut self, term: usize, index: u32, findings: &mut Findings) {
        let Some((since, entry)) = self.terms[term].still.take() else { return };
        let Some(bound) = self.facts.promise.stall_bound_ms else { return };
        let facts = self.facts;
        let (now, term_facts) = (facts.at(index), &facts.terms[term]);
        let source = &self.sources[term_facts.source];
        let since = since.max(source.full_until);
        if now.saturating_sub(since) <= bound * 1_000 {
            return;
        }
        let Some(record) = self.waiting(term, index) else { return };
        let since = since.max(self.available[term_facts.partition].of(record));
        let stopped = facts.incarnation_of(term_facts).stopped_between(since, now);
        let still = now.saturating_sub(since).saturating_sub(stopped);
        if still <= bound * 1_000 {
            return;
        }
        findings.report(P43, || {
            let message = format!(
                "{} stood still for {} ms in term {} while {}@{} waited",
                facts.name_of(term_facts),
                still / 1_000,
                term_facts.number,
                facts.name_of(term_facts),
                facts.offset(term_facts.partition, record)
            );
            (message, vec![Evidence::Entry(entry), Evidence::Entry(index)])
        });
    }

    fn restart(&mut self, term: usize, index: u32) {
        let stopping = self.sources[self.facts.terms[term].source].is_stopping;
        let clock = &mut self.terms[term];
        let runs = clock.running == 0 && clock.paused.is_empty() && !clock.is_over && !stopping;
        clock.still = runs.then(|| (self.facts.at(index), index));
    }

    /// The first record of the term that was not done before this entry.
    fn waiting(&mut self, term: usize, index: u32) -> Option<usize> {
        let term_facts = &self.facts.terms[term];
        let partition = self.facts.partition_of(term_facts);
        let next = &mut self.terms[term].next;
        while let Some(record) = partition.records.get(*next) {
            let slot = term_facts.slot(*next);
            let done = match self.facts.promise.guarantee {
                Guarantee::AtMostOnce => slot.started.min(slot.terminal),
                _ => slot.terminal,
            };
            if record.visible && done >= index {
                return Some(*next);
            }
            *next += 1;
        }
        None
    }

    fn started(&mut self, term: usize, index: u32, findings: &mut Findings) {
        let facts = self.facts;
        let now = facts.at(index);
        let source = facts.terms[term].source;
        self.terms[term].running += 1;
        self.terms[term].idle = None;
        self.sources[source].running += 1;
        let begin = facts.incarnation_of(&facts.terms[term]).begin;
        if self.sources[source].running == begin.max_in_flight {
            // What stood still before the last slot was taken would be forgotten.
            let long_free = facts.promise.stall_bound_ms.is_some_and(|bound| {
                now.saturating_sub(self.sources[source].full_until) > bound * 1_000
            });
            if long_free {
                self.check_all(source, index, findings);
            }
            self.sources[source].full_until = u64::MAX;
        }
    }

    fn check_all(&mut self, source: usize, index: u32, findings: &mut Findings) {
        let Some(incarnation) = &self.facts.incarnations[source] else { return };
        for &term in &incarnation.terms {
            if self.terms[term].still.is_some() {
                self.progress(term, index, findings);
                self.restart(term, index);
            }
        }
    }

    fn ended(&mut self, index: u32) {
        while let Some(&(end, term)) = self.ends.get(self.next_end)
            && end <= index
        {
            self.next_end += 1;
            self.terms[term].running -= 1;
            let source = &mut self.sources[self.facts.terms[term].source];
            source.running -= 1;
            if source.full_until == u64::MAX {
                source.full_until = self.facts.at(index);
            }
        }
    }

    fn acknowledged(&mut self, index: u32, findings: &mut Findings) {
        while let Some(&(acknowledged, term)) = self.commits.get(self.next_commit)
            && acknowledged <= index
        {
            self.next_commit += 1;
            if !self.terms[term].is_over {
                self.progress(term, index, findings);
                self.restart(term, index);
            }
        }
    }

    fn stop(&mut self, source: usize, index: u32, findings: &mut Findings) {
        let Some(incarnation) = &self.facts.incarnations[source] else { return };
        for &term in &incarnation.terms {
            self.progress(term, index, findings);
        }
        self.sources[source].is_stopping = true;
    }

    fn died(&mut self, index: u32, findings: &mut Findings) {
        for term in 0..self.facts.terms.len() {
            if self.facts.terms[term].ended() == index {
                self.over(term, index, findings);
            }
        }
    }

    fn over(&mut self, term: usize, index: u32, findings: &mut Findings) {
        self.progress(term, index, findings);
        self.terms[term].is_over = true;
        self.terms[term].idle = None;
    }

    fn finish(&mut self, findings: &mut Findings) {
        let Some(last) = self.facts.run.entries().len().checked_sub(1) else { return };
        for term in 0..self.facts.terms.len() {
            self.progress(term, last as u32, findings);
        }
    }

    fn note_gap(&mut self, term: usize, index: u32) {
        let Some(since) = self.terms[term].idle else { return };
        let Some(record) = self.waiting(term, index) else { return };
        let term_facts = &self.facts.terms[term];
        let since = since.max(self.available[term_facts.partition].of(record));
        let now = self.facts.at(index);
        let stopped = self.facts.incarnation_of(term_facts).stopped_between(since, now);
        let gap = now.saturating_sub(since).saturating_sub(stopped);
        self.longest_gap = self.longest_gap.max(gap);
    }
}

impl Availability {
    fn gather(facts: &Facts<'_>) -> Vec<Self> {
        let mut available: Vec<Self> = facts
            .partitions
            .iter()
            .map(|partition| match partition.dump {
                Some(dump) if dump.records.iter().any(|record| record.timestamp.is_some()) => {
                    let mut at = vec![0; partition.records.len()];
                    for record in &dump.records {
                        let ms = record.timestamp.unwrap_or(0).max(0) as u64;
                        at[partition.at_or_above(record.offset)] = ms.saturating_mul(1_000);
                    }
                    Self::At(at)
                }
                _ => Self::Always,
            })
            .collect();
        for (_, entry) in facts.entries() {
            let Event::Produced(produced) = &entry.event else { continue };
            let number = facts.partitions.iter().position(|partition| {
                **partition.topic == *produced.topic && partition.partition == produced.partition
            });
            let Some(number) = number else { continue };
            let partition = &facts.partitions[number];
            if matches!(available[number], Self::Always) {
                available[number] = Self::At(vec![0; partition.records.len()]);
            }
            if let (Self::At(at), Some(record)) =
                (&mut available[number], partition.index_of(produced.offset))
            {
                at[record] = entry.at;
            }
        }
        available
    }

    fn of(&self, record: usize) -> u64 {
        match self {
            Self::Always => 0,
            Self::At(at) => at.get(record).copied().unwrap_or(0),
        }
    }
}
