//! The one walk over all events that fills the tables.
//!
//! Every event finds its term by incarnation, partition and number. A term that nobody announced is
//! made on the spot and noted as an oddity, so that what follows can still be judged. A process
//! that died ends all its terms at the entry that says so.

use std::collections::HashMap;

use super::partition::{self, Jump, JumpKind};
use super::{
    Commit, End, Ending, Facts, Flight, Incarnation, NEVER, Oddity, Origin, Partitions, Start,
    Term, incarnation::Stop, stored,
};
use crate::history::{
    CommitEnded, CommitOutcome, CommitSent, EndResult, Ended, Event, IncarnationName, Skipped,
    StartKnown, StartReason, Started,
};
use crate::promise::Promise;
use crate::run::{Entry, Run, Source};
use crate::verdict::Predicate;

pub(super) fn gather<'a>(run: &'a Run, promise: &'a Promise) -> Facts<'a> {
    let (names, partitions, entry_partition) = partition::collect(run, promise.processing_order);
    let mut gatherer = Gatherer {
        names,
        facts: Facts {
            run,
            promise,
            partitions,
            terms: Vec::new(),
            flights: Vec::new(),
            commits: Vec::new(),
            incarnations: run.sources().iter().map(|_| None).collect(),
            entry_term: vec![NEVER; run.entries().len()],
            entry_flight: vec![NEVER; run.entries().len()],
            healed: None,
            knows_stored: false,
            oddities: Vec::new(),
        },
        numbers: HashMap::new(),
        latest: HashMap::new(),
        unanswered: HashMap::new(),
    };
    for (index, entry) in run.entries().iter().enumerate() {
        gatherer.take(index as u32, entry, entry_partition[index]);
    }
    let Gatherer { mut facts, names, .. } = gatherer;
    facts.knows_stored = stored::fill(run, promise, &names, &facts.commits, &mut facts.partitions);
    for partition in &mut facts.partitions {
        if partition.base == i64::MIN {
            let log_start = partition.dump.map_or(0, |dump| dump.log_start);
            partition.base = partition.before.unwrap_or(log_start);
        }
    }
    facts
}

struct Gatherer<'a> {
    names: Partitions<'a>,
    facts: Facts<'a>,
    // (source, partition, number of the term) to its index.
    numbers: HashMap<(u32, u32, u64), usize>,
    // (source, partition) to the index of the term that was named last: nearly always the one.
    latest: HashMap<(u32, u32), usize>,
    // (source, commit, partition) to the sends of the commit.
    unanswered: HashMap<(u32, u64, u32), Vec<usize>>,
}

impl<'a> Gatherer<'a> {
    fn take(&mut self, index: u32, entry: &'a Entry, partition: u32) {
        let source = entry.source.index();
        if let Some(incarnation) = &mut self.facts.incarnations[source] {
            incarnation.last = index;
        }
        match &entry.event {
            Event::Begin(_) => self.begin(index, source),
            Event::Signal(signal) => {
                if let Some(incarnation) = &mut self.facts.incarnations[source] {
                    incarnation.signals.push((index, signal.nth));
                }
            }
            Event::Left(_) => {
                if let Some(incarnation) = &mut self.facts.incarnations[source] {
                    incarnation.left.get_or_insert(index);
                }
            }
            Event::Exited(exited) => {
                if let Some(incarnation) = &mut self.facts.incarnations[source] {
                    incarnation.exited = Some((index, exited.code));
                }
                self.end_all(source, index, Ending::Exited(exited.code));
            }
            Event::Killed(name) => self.killed(index, name),
            Event::Stopped(name) => self.stopped(entry.at, name),
            Event::Continued(name) => self.continued(entry.at, name),
            Event::Healed(_) => self.facts.healed = Some(index),
            Event::CommitSent(commit) => self.commit_sent(index, source, commit),
            Event::CommitEnded(commit) => self.commit_ended(index, source, commit),
            event => {
                if let Some(number) = event.term() {
                    self.in_term(index, source, partition, number, event);
                }
            }
        }
    }

    fn begin(&mut self, index: u32, source: usize) {
        if let Source::Incarnation(begin) = &self.facts.run.sources()[source] {
            self.facts.incarnations[source] = Some(Incarnation::new(begin, index));
        }
    }

    fn in_term(
        &mut self,
        index: u32,
        source: usize,
        partition: u32,
        number: u64,
        event: &'a Event,
    ) {
        if self.facts.incarnations[source].is_none() {
            return;
        }
        let term = match event {
            Event::Assigned(_) => {
                self.open(index, source, partition as usize, number, Origin::Assigned)
            }
            _ => self.find(index, source, partition as usize, number),
        };
        self.facts.entry_term[index as usize] = term as u32;
        match event {
            Event::StartKnown(start) => self.start_known(index, term, start),
            Event::Revoking(_) => {
                self.facts.terms[term].revoking.get_or_insert(index);
            }
            Event::Revoked(_) => self.end(term, index, Ending::Revoked),
            Event::Lost(_) => self.end(term, index, Ending::Lost),
            Event::Seek(seek) => {
                self.end(term, index, Ending::Seek);
                self.open(index, source, partition as usize, seek.new_term, Origin::Seek);
            }
            // Before the start is known, the start tells of the jump.
            Event::Reset(reset) if self.facts.terms[term].start.is_some() => {
                self.jump(term, index, reset.to, JumpKind::Asked);
            }
            Event::Delivered(delivered) => self.reach(term, index, delivered.last + 1),
            Event::Started(started) => self.started(index, term, started),
            Event::Ended(ended) => self.ended(index, term, ended),
            Event::Skipped(skipped) => self.skipped(index, term, skipped),
            Event::Paused(pause) => self.facts.terms[term].pause(pause.reason),
            Event::Resumed(pause) => self.facts.terms[term].resume(pause.reason),
            _ => {}
        }
    }

    fn open(
        &mut self,
        index: u32,
        source: usize,
        partition: usize,
        number: u64,
        origin: Origin,
    ) -> usize {
        let term = self.facts.terms.len();
        let place = (source as u32, partition as u32);
        if let Some(&before) = self.latest.get(&place) {
            let before = &self.facts.terms[before];
            let trouble = if before.end.is_none() {
                Some("a term begins while the one before it is in force")
            } else if number <= before.number {
                Some("a term begins whose number is not higher than the one before")
            } else {
                None
            };
            if let Some(what) = trouble {
                self.odd(Predicate::P4, index, Some(before.began), what);
            }
        }
        self.facts.terms.push(Term {
            source,
            partition,
            number,
            began: index,
            origin,
            start: None,
            revoking: None,
            end: None,
            low: 0,
            slots: Vec::new(),
            reached: Vec::new(),
            paused: Vec::new(),
            drained_paused: false,
            commits: Vec::new(),
        });
        self.numbers.insert((place.0, place.1, number), term);
        self.latest.insert(place, term);
        self.facts.partitions[partition].terms.push(term);
        if let Some(incarnation) = &mut self.facts.incarnations[source] {
            incarnation.terms.push(term);
        }
        term
    }

    fn find(&mut self, index: u32, source: usize, partition: usize, number: u64) -> usize {
        let place = (source as u32, partition as u32);
        if let Some(&latest) = self.latest.get(&place)
            && self.facts.terms[latest].number == number
        {
            return latest;
        }
        if let Some(&term) = self.numbers.get(&(place.0, place.1, number)) {
            return term;
        }
        self.odd(Predicate::P4, index, None, "a term is named that never began");
        self.open(index, source, partition, number, Origin::Nowhere)
    }

    fn start_known(&mut self, index: u32, term: usize, known: &'a StartKnown) {
        let partition = self.facts.terms[term].partition;
        if self.facts.terms[term].start.is_some() {
            self.odd(Predicate::P14, index, None, "the start of a term is told twice");
            return;
        }
        let facts = &mut self.facts.partitions[partition];
        if facts.base == i64::MIN {
            facts.base = known.position;
        }
        let kind = match known.reason {
            StartReason::Committed => None,
            StartReason::Seek | StartReason::Reset => Some(JumpKind::Asked),
            _ => Some(JumpKind::Policy),
        };
        let low = facts.at_or_above(known.position);
        let term_facts = &mut self.facts.terms[term];
        term_facts.low = low;
        term_facts.start = Some(Start { entry: index, known });
        if let Some(kind) = kind {
            self.jump(term, index, known.position, kind);
        }
    }

    fn jump(&mut self, term: usize, index: u32, to: i64, kind: JumpKind) {
        let partition = self.facts.terms[term].partition;
        self.facts.partitions[partition].jumps.push(Jump { entry: index, to, kind });
    }

    fn reach(&mut self, term: usize, index: u32, position: i64) {
        let term = &mut self.facts.terms[term];
        if term.reached_at_end() < position {
            term.reached.push((index, position));
        }
    }

    fn started(&mut self, index: u32, term: usize, started: &Started) {
        let last = started.last.unwrap_or(started.offset);
        let term_facts = &mut self.facts.terms[term];
        let partition = &mut self.facts.partitions[term_facts.partition];
        let first = partition.at_or_above(started.offset);
        let past = partition.at_or_above(last + 1);
        let flight = self.facts.flights.len() as u32;
        let mut odd: Option<(&'static str, u32)> = None;
        if last >= term_facts.reached_at_end() {
            odd = Some(("a record starts that was not delivered in this term", NEVER));
        }
        let mut flight_facts = Flight { term, start: index, end: None, first, past, open: 0 };
        let records: Vec<usize> = flight_facts.records(partition).collect();
        for record in records {
            partition.records[record].starts += 1;
            let Some(slot) = term_facts.slot_mut(record) else {
                odd = Some(("a record starts that is below the start of its term", NEVER));
                continue;
            };
            if slot.flight != NEVER {
                let running = self.facts.flights[slot.flight as usize].start;
                odd = Some(("a record starts while a call of it runs in the same term", running));
            } else if slot.is_terminal() {
                odd = Some(("a record starts that is terminal in this term", slot.terminal));
            } else if started.attempt != slot.attempts + 1 {
                odd = Some(("attempts of a record do not count up by one", slot.started));
            }
            slot.attempts = started.attempt;
            slot.started = slot.started.min(index);
            slot.flight = flight;
            flight_facts.open += 1;
        }
        self.facts.flights.push(flight_facts);
        self.facts.entry_flight[index as usize] = flight;
        if let Some((what, because)) = odd {
            self.odd(Predicate::P9, index, (because != NEVER).then_some(because), what);
        }
    }

    fn ended(&mut self, index: u32, term: usize, ended: &Ended) {
        let term_facts = &mut self.facts.terms[term];
        let partition = &mut self.facts.partitions[term_facts.partition];
        let in_force = term_facts.end.is_none();
        let first = partition.at_or_above(ended.offset);
        let past = partition.at_or_above(ended.last.unwrap_or(ended.offset) + 1);
        let mut odd: Option<(&'static str, u32)> = None;
        for record in first..past {
            let Some(slot) = term_facts.slot_mut(record) else { continue };
            if slot.flight == NEVER && ended.last.is_some() && !partition.records[record].visible {
                // The log lost it. Whether the call had it is known only of the ends of a part.
                if ended.result != EndResult::Ok && (record == first || record + 1 == past) {
                    slot.started = slot.started.min(index);
                    slot.failed = index;
                }
                continue;
            }
            if slot.flight == NEVER || slot.attempts != ended.attempt {
                odd = Some(("a record ends that does not run in this attempt", slot.ended));
                continue;
            }
            let flight = &mut self.facts.flights[slot.flight as usize];
            slot.flight = NEVER;
            flight.open -= 1;
            if flight.open == 0 {
                flight.end = Some(index);
            }
            slot.ended = slot.ended.min(index);
            if ended.result != EndResult::Ok {
                slot.failed = index;
                if ended.result != EndResult::Cancelled
                    && let Some(incarnation) = &mut self.facts.incarnations[term_facts.source]
                {
                    incarnation.failures.push((index, term, record));
                }
                continue;
            }
            let handled = &mut partition.records[record].handled;
            *handled = (*handled).min(index);
            if slot.is_terminal() {
                odd = Some(("a record is handled that was terminal already", slot.terminal));
            } else if in_force {
                slot.terminal = index;
                let record = &mut partition.records[record];
                record.terminal = record.terminal.min(index);
            }
        }
        if let Some((what, because)) = odd {
            self.odd(Predicate::P9, index, (because != NEVER).then_some(because), what);
        }
    }

    fn skipped(&mut self, index: u32, term: usize, skipped: &Skipped) {
        let last = skipped.last.unwrap_or(skipped.offset);
        let term_facts = &mut self.facts.terms[term];
        let partition = &mut self.facts.partitions[term_facts.partition];
        let mut odd: Option<(&'static str, u32)> = None;
        for record in partition.at_or_above(skipped.offset)..partition.at_or_above(last + 1) {
            let Some(slot) = term_facts.slot_mut(record) else { continue };
            if slot.flight != NEVER {
                let running = self.facts.flights[slot.flight as usize].start;
                odd = Some(("a record is skipped while a call of it runs", running));
            } else if !slot.is_terminal() {
                slot.terminal = index;
                let record = &mut partition.records[record];
                record.terminal = record.terminal.min(index);
            } else if skipped.offset == last {
                odd = Some(("a record is skipped that was terminal already", slot.terminal));
            }
        }
        self.reach(term, index, last + 1);
        if let Some((what, because)) = odd {
            self.odd(Predicate::P9, index, Some(because), what);
        }
    }

    fn commit_sent(&mut self, index: u32, source: usize, commit: &'a CommitSent) {
        if self.facts.incarnations[source].is_none() {
            return;
        }
        for position in &commit.positions {
            let partition = self
                .names
                .find(&position.topic, position.partition)
                .expect("partitions of all events were collected");
            let term = self.find(index, source, partition, position.term);
            let number = self.facts.commits.len();
            self.facts.commits.push(Commit {
                source,
                id: commit.commit,
                sent: index,
                partition,
                term,
                position: position.position,
                answer: None,
            });
            self.facts.terms[term].commits.push(number);
            let place = (source as u32, commit.commit, partition as u32);
            self.unanswered.entry(place).or_default().push(number);
        }
    }

    fn commit_ended(&mut self, index: u32, source: usize, commit: &CommitEnded) {
        for result in &commit.results {
            let Some(partition) = self.names.find(&result.topic, result.partition) else {
                self.odd(Predicate::P9, index, None, "a commit ends that was never sent");
                continue;
            };
            let place = (source as u32, commit.commit, partition as u32);
            let Some(sends) = self.unanswered.get(&place) else {
                self.odd(Predicate::P9, index, None, "a commit ends that was never sent");
                continue;
            };
            for &number in sends {
                let answer = &mut self.facts.commits[number].answer;
                // Once acknowledged it stays so; a refusal after "unknown" says nothing of the
                // first send, so the doubt stays too.
                if matches!(answer, None | Some((_, CommitOutcome::Unknown)))
                    && (answer.is_none() || result.outcome != CommitOutcome::Refused)
                {
                    *answer = Some((index, result.outcome));
                }
            }
        }
    }

    fn killed(&mut self, index: u32, name: &IncarnationName) {
        let Some(source) = self.source_of(name) else { return };
        if let Some(incarnation) = &mut self.facts.incarnations[source]
            && incarnation.exited.is_none()
        {
            incarnation.killed.get_or_insert(index);
        }
        self.end_all(source, index, Ending::Killed);
    }

    fn stopped(&mut self, at: u64, name: &IncarnationName) {
        let Some(source) = self.source_of(name) else { return };
        if let Some(incarnation) = &mut self.facts.incarnations[source] {
            incarnation.stops.push(Stop { from: at, to: u64::MAX });
        }
    }

    fn continued(&mut self, at: u64, name: &IncarnationName) {
        let Some(source) = self.source_of(name) else { return };
        if let Some(incarnation) = &mut self.facts.incarnations[source]
            && let Some(stop) = incarnation.stops.last_mut()
        {
            stop.to = stop.to.min(at);
        }
    }

    fn source_of(&self, name: &IncarnationName) -> Option<usize> {
        self.facts.incarnations.iter().position(|incarnation| {
            incarnation.as_ref().is_some_and(|incarnation| {
                incarnation.begin.incarnation == name.incarnation
                    && *incarnation.begin.member == *name.member
            })
        })
    }

    fn end(&mut self, term: usize, index: u32, how: Ending) {
        // A release after a loss is told as `revoked` by some: the loss counts.
        self.facts.terms[term].end.get_or_insert(End { entry: index, how });
    }

    fn end_all(&mut self, source: usize, index: u32, how: Ending) {
        let Some(incarnation) = &self.facts.incarnations[source] else { return };
        for &term in &incarnation.terms {
            self.facts.terms[term].end.get_or_insert(End { entry: index, how });
        }
    }

    fn odd(&mut self, predicate: Predicate, entry: u32, because: Option<u32>, what: &'static str) {
        self.facts.oddities.push(Oddity { predicate, entry, because, what });
    }
}
