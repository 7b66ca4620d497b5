//! P40 to P42, what must happen after all faults are over.
//!
//! Most consumer bugs are neither loss nor repetition: the process is alive, the group is stable,
//! and nothing moves. Safety alone would pass that, so a run that claims to be healed must come to
//! its end: all handled, the lag zero, every partition owned and flowing, and the group at rest.

use std::collections::BTreeMap;

use crate::facts::{Facts, NEVER, Origin, Partition};
use crate::findings::{Evidence, Findings};
use crate::history::{Event, Guarantee, PauseReason};
use crate::promise::Liveness;
use crate::verdict::Predicate::{P40, P41, P42};

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    let why = match (facts.promise.liveness, facts.healed) {
        (None, _) => "no bounds were given",
        (Some(_), None) => "the run was never healed",
        (Some(liveness), Some(healed)) => {
            let after = After::new(facts, liveness, healed);
            for predicate in [P40, P41, P42] {
                findings.judged(predicate);
            }
            for number in 0..facts.partitions.len() {
                after.all_handled(number, findings);
                after.lag_is_zero(number, findings);
                after.always_owned(number, findings);
                after.few_owners(number, findings);
            }
            after.always_flowing(findings);
            after.at_rest(findings);
            return;
        }
    };
    for predicate in [P40, P41, P42] {
        findings.not_judged(predicate, why);
    }
}

struct After<'f, 'a> {
    facts: &'f Facts<'a>,
    liveness: Liveness,
    healed: u32,
    healed_at: u64,
    /// When all must be done.
    deadline: u64,
    /// When members began to leave for good, or the run ended.
    until: u64,
}

impl<'f, 'a> After<'f, 'a> {
    fn new(facts: &'f Facts<'a>, liveness: Liveness, healed: u32) -> Self {
        let healed_at = facts.at(healed);
        let leaving = facts.entries().skip(healed as usize).find(|(_, entry)| {
            matches!(entry.event, Event::Signal(_) | Event::Left(_) | Event::Exited(_))
        });
        Self {
            facts,
            liveness,
            healed,
            healed_at,
            deadline: healed_at + liveness.bound_ms * 1_000,
            until: leaving.map_or_else(|| facts.end_at(), |(_, entry)| entry.at),
        }
    }

    fn all_handled(&self, number: usize, findings: &mut Findings) {
        let partition = &self.facts.partitions[number];
        let in_time = |entry: u32| entry != NEVER && self.facts.at(entry) <= self.deadline;
        for index in partition.visible_between(partition.base, i64::MAX) {
            let record = &partition.records[index];
            let fine = match self.facts.promise.guarantee {
                Guarantee::AtMostOnce => {
                    record.starts > 0 || partition.committed().is_some_and(|c| record.offset < c)
                }
                _ => in_time(record.terminal.min(record.handled)),
            };
            if fine || partition.is_passed_over(record.offset, NEVER) {
                continue;
            }
            findings.report(P40, || {
                let message = format!(
                    "{}@{} was not handled within {} ms of healing",
                    partition.name(),
                    record.offset,
                    self.liveness.bound_ms
                );
                (message, vec![Evidence::Entry(self.healed)])
            });
        }
    }

    fn lag_is_zero(&self, number: usize, findings: &mut Findings) {
        let partition = &self.facts.partitions[number];
        let Some(dump) = partition.dump else { return };
        if !self.facts.knows_stored || self.facts.promise.guarantee == Guarantee::Manual {
            return;
        }
        // A dump's clock is the coordinator's.
        let slack = self.facts.promise.clock_slack_ms * 1_000;
        let stored = partition.stored.iter().rposition(|stored| {
            stored.at <= self.deadline + if stored.entry.is_some() { 0 } else { slack }
        });
        let committed = stored.map_or(partition.before, |index| partition.stored[index].position);
        // A group that started at the end of the log has nothing to commit.
        let mut starts = partition.terms.iter().rev().map(|&term| &self.facts.terms[term]);
        let started = starts.find_map(|term| term.position());
        if committed.or(started).unwrap_or(partition.base) >= dump.last_stable {
            return;
        }
        findings.report(P40, || {
            let message = format!(
                "{} lag is not zero {} ms after healing: {} is committed, the last stable offset \
                 is {}",
                partition.name(),
                self.liveness.bound_ms,
                committed.map_or_else(|| "nothing".to_owned(), |committed| committed.to_string()),
                dump.last_stable
            );
            let shown = stored.map(|index| Evidence::Stored(number, index));
            (message, [Evidence::Entry(self.healed)].into_iter().chain(shown).collect())
        });
    }

    fn always_owned(&self, number: usize, findings: &mut Findings) {
        let partition = &self.facts.partitions[number];
        let mut owned: Vec<(u64, u64)> = self.times_owned(partition);
        owned.sort_unstable();
        owned.push((self.until, self.until));
        let mut free_since = self.healed_at;
        for (from, to) in owned {
            let free = from.min(self.until).saturating_sub(free_since);
            if free > self.liveness.bound_ms * 1_000 {
                findings.report(P41, || {
                    let message = format!(
                        "{} had no owner for {} ms after healing, from {free_since}",
                        partition.name(),
                        free / 1_000
                    );
                    (message, vec![Evidence::Entry(self.healed)])
                });
            }
            free_since = free_since.max(to);
        }
    }

    fn times_owned(&self, partition: &Partition<'_>) -> Vec<(u64, u64)> {
        let terms = partition.terms.iter().map(|&term| &self.facts.terms[term]);
        terms
            .map(|term| {
                let to = term.end.map_or(u64::MAX, |end| self.facts.at(end.entry));
                (self.facts.at(term.began), to)
            })
            .collect()
    }

    fn few_owners(&self, number: usize, findings: &mut Findings) {
        let partition = &self.facts.partitions[number];
        let terms = partition.terms.iter().map(|&term| &self.facts.terms[term]);
        let assigned: Vec<u32> = terms
            .filter(|term| term.origin == Origin::Assigned && term.began > self.healed)
            .map(|term| term.began)
            .collect();
        if assigned.len() as u64 <= self.liveness.max_rebalances {
            return;
        }
        findings.report(P42, || {
            let message = format!(
                "{} was assigned {} times after healing, at most {} were expected",
                partition.name(),
                assigned.len(),
                self.liveness.max_rebalances
            );
            (message, assigned.into_iter().map(Evidence::Entry).collect())
        });
    }

    fn always_flowing(&self, findings: &mut Findings) {
        // By term and reason: since when, and the entry that says so.
        let mut since: BTreeMap<(usize, PauseReason), u32> = BTreeMap::new();
        let mut stretches: Vec<(usize, PauseReason, u32, u64)> = Vec::new();
        for (index, entry) in self.facts.entries() {
            let Some(term) = self.facts.term_of(index) else { continue };
            match &entry.event {
                Event::Paused(pause) if pause.reason != PauseReason::User => {
                    since.entry((term, pause.reason)).or_insert(index);
                }
                Event::Resumed(pause) => {
                    if let Some(paused) = since.remove(&(term, pause.reason)) {
                        stretches.push((term, pause.reason, paused, entry.at));
                    }
                }
                _ => {}
            }
        }
        stretches.extend(since.into_iter().map(|((term, reason), paused)| {
            let end = self.facts.terms[term].end;
            (term, reason, paused, end.map_or(u64::MAX, |end| self.facts.at(end.entry)))
        }));
        for (term, reason, paused, to) in stretches {
            let from = self.facts.at(paused).max(self.healed_at);
            let took = to.min(self.until).saturating_sub(from);
            if took <= self.liveness.bound_ms * 1_000 {
                continue;
            }
            findings.report(P41, || {
                let message = format!(
                    "{} stayed paused ({reason:?}) for {} ms after healing",
                    self.facts.name_of(&self.facts.terms[term]),
                    took / 1_000
                );
                (message, vec![Evidence::Entry(self.healed), Evidence::Entry(paused)])
            });
        }
    }

    fn at_rest(&self, findings: &mut Findings) {
        let mut second = (0, 0);
        for (index, entry) in self.facts.entries().skip(self.healed as usize) {
            let is_action = matches!(
                entry.event,
                Event::CommitSent(_)
                    | Event::Paused(_)
                    | Event::Resumed(_)
                    | Event::Assigned(_)
                    | Event::Revoking(_)
                    | Event::Lost(_)
                    | Event::Seek(_)
            );
            if !is_action {
                continue;
            }
            let this = entry.at / 1_000_000;
            second = if second.0 == this { (this, second.1 + 1) } else { (this, 1) };
            if second.1 != self.liveness.max_actions_per_second + 1 {
                continue;
            }
            findings.report(P42, || {
                let message = format!(
                    "more than {} commits, pauses and ownership changes in one second after \
                     healing",
                    self.liveness.max_actions_per_second
                );
                (message, vec![Evidence::Entry(self.healed), Evidence::Entry(index)])
            });
        }
    }
}
