//! Tells the history what a process does, in the words of the format.
//!
//! It knows which term of a partition is in force, because some lines follow from an input and
//! some from an output, and a term that is over must not end twice.

use std::collections::{BTreeMap, BTreeSet};

use surefoot_check::history::{self, Begin, CommitOutcome, Event, IncarnationName, PartitionTerm};
use surefoot_core::{
    Deliver, DeliveryUnit, EffectId, Offset, Outcome, PauseReason, Position, SeekTo, SkipReason,
    StartAt, StartFacts, StartReason, Term,
};

use crate::fabric::{Fabric, PartitionId, ProcessId};
use crate::kafka::log::LoggedRecord;
use crate::reach::Reached;

/// What the history must know of terms.
#[derive(Debug)]
pub(super) struct Narrator {
    process: ProcessId,
    current: Vec<Option<Term>>,
    terms: BTreeMap<Term, Told>,
    answered: BTreeMap<EffectId, BTreeMap<PartitionId, Term>>,
}

#[derive(Debug)]
struct Told {
    partition: PartitionId,
    paused: BTreeSet<PauseReason>,
    /// Where a seek leads, and whether a policy asked for it.
    sought: Option<(i64, bool)>,
    /// The position that the term before had read up to.
    read_to: i64,
}

/// The first line of an incarnation.
pub(super) fn begin(fabric: &mut Fabric, process: ProcessId) {
    fabric.record_outside(Event::Spawned(name(fabric, process)));
    let plan = &fabric.plan;
    let mut topics: Vec<_> = plan.partitions.iter().map(|of| of.topic.clone()).collect();
    topics.sort();
    topics.dedup();
    let begin = Begin {
        format: history::FORMAT,
        member: fabric.recorder.member_name(process.member),
        incarnation: process.incarnation,
        group: "billing".into(),
        guarantee: plan.guarantee,
        processing_order: match plan.engine.processing_order {
            surefoot_core::ProcessingOrder::Partition => history::ProcessingOrder::Partition,
            surefoot_core::ProcessingOrder::Key => history::ProcessingOrder::Key,
            surefoot_core::ProcessingOrder::Unordered => history::ProcessingOrder::Unordered,
        },
        topics,
        window: plan.window(),
        max_in_flight: plan.engine.budget.max_in_flight.get() as u64,
        max_buffered_bytes: plan.engine.budget.max_buffered_bytes.get() as u64,
        drain_deadline_ms: plan.engine.drain_deadline.as_millis() as u64,
        pid: 0,
    };
    let now = fabric.now;
    fabric.recorder.begin(now, process, begin);
}

pub(super) fn name(fabric: &Fabric, process: ProcessId) -> IncarnationName {
    let member = fabric.recorder.member_name(process.member);
    IncarnationName { member, incarnation: process.incarnation }
}

impl Narrator {
    pub(super) fn new(process: ProcessId, partitions: usize) -> Self {
        let current = vec![None; partitions];
        Self { process, current, terms: BTreeMap::new(), answered: BTreeMap::new() }
    }

    pub(super) fn current(&self, partition: PartitionId) -> Option<Term> {
        self.current[partition.index()]
    }

    pub(super) fn partition_of(&self, term: Term) -> Option<PartitionId> {
        self.terms.get(&term).map(|told| told.partition)
    }

    pub(super) fn assigned(&mut self, fabric: &mut Fabric, partition: PartitionId, term: Term) {
        // The member missed a loss.
        self.lost(fabric, &[partition]);
        self.open(partition, term, 0);
        let PartitionTerm { topic, partition, term } = self.at(fabric, partition, term);
        let assigned = history::Assigned { topic, partition, term };
        fabric.record(self.process, Event::Assigned(assigned));
    }

    pub(super) fn revoking(&mut self, fabric: &mut Fabric, partitions: &[PartitionId]) {
        for &partition in partitions {
            if let Some(term) = self.current(partition) {
                let at = self.at(fabric, partition, term);
                fabric.record(self.process, Event::Revoking(at));
            }
        }
    }

    pub(super) fn lost(&mut self, fabric: &mut Fabric, partitions: &[PartitionId]) {
        for &partition in partitions {
            if let Some(term) = self.current[partition.index()].take() {
                let at = self.at(fabric, partition, term);
                fabric.record(self.process, Event::Lost(at));
            }
        }
    }

    pub(super) fn lost_all(&mut self, fabric: &mut Fabric) {
        let all: Vec<_> = (0..self.current.len()).map(|index| PartitionId(index as u16)).collect();
        self.lost(fabric, &all);
    }

    pub(super) fn released(&mut self, fabric: &mut Fabric, partition: PartitionId, term: Term) {
        if self.current(partition) == Some(term) {
            self.current[partition.index()] = None;
            let at = self.at(fabric, partition, term);
            fabric.record(self.process, Event::Revoked(at));
        }
    }

    pub(super) fn start_known(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        term: Term,
        position: Position,
        reason: StartReason,
        facts: Option<&StartFacts>,
    ) {
        let committed = facts.and_then(|facts| facts.committed.as_ref());
        let committed = committed.map(|committed| committed.position.get());
        let told = match reason {
            StartReason::Committed => history::StartReason::Committed,
            StartReason::NewPartition => history::StartReason::Earliest,
            StartReason::Policy => match fabric.plan.engine.start.without_commit {
                StartAt::Beginning | StartAt::Fail => history::StartReason::Earliest,
                StartAt::End => history::StartReason::Latest,
                StartAt::Timestamp(_) => history::StartReason::Timestamp,
                StartAt::Position(_) => history::StartReason::Fixed,
            },
            StartReason::Reset { from } => {
                self.reset(fabric, partition, term, from.get(), position.get());
                history::StartReason::Reset
            }
        };
        self.start(fabric, partition, term, position.get(), committed, told);
    }

    fn start(
        &self,
        fabric: &mut Fabric,
        partition: PartitionId,
        term: Term,
        position: i64,
        committed: Option<i64>,
        reason: history::StartReason,
    ) {
        let PartitionTerm { topic, partition, term } = self.at(fabric, partition, term);
        let known = history::StartKnown {
            topic,
            partition,
            term,
            position,
            committed,
            reason,
            topic_id: None,
        };
        fabric.record(self.process, Event::StartKnown(known));
    }

    fn reset(&self, fabric: &mut Fabric, partition: PartitionId, term: Term, from: i64, to: i64) {
        let PartitionTerm { topic, partition, term } = self.at(fabric, partition, term);
        let why = "out of range".into();
        let reset = history::Reset { topic, partition, term, from, to, why };
        fabric.record(self.process, Event::Reset(reset));
    }

    /// The partition goes on under a new term, if it does.
    pub(super) fn rewound(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        new_term: Term,
        to: Option<SeekTo>,
    ) {
        let Some(old) = self.current(partition).filter(|old| *old != new_term) else { return };
        let read_to = self.terms[&old].read_to;
        let at = self.at(fabric, partition, old);
        let position = match to {
            Some(SeekTo::Position(position)) => Some(position.get()),
            _ => None,
        };
        let seek = history::Seek {
            topic: at.topic,
            partition: at.partition,
            term: at.term,
            new_term: new_term.get(),
            position,
        };
        fabric.record(self.process, Event::Seek(seek));
        self.open(partition, new_term, read_to);
    }

    pub(super) fn seeking(&mut self, term: Term, position: i64, by_policy: bool) {
        if let Some(told) = self.terms.get_mut(&term) {
            told.sought = Some((position, by_policy));
        }
    }

    pub(super) fn sought(&self, term: Term) -> Option<i64> {
        self.terms.get(&term)?.sought.map(|(position, _)| position)
    }

    pub(super) fn seek_done(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        term: Term,
        position: i64,
    ) {
        let Some(told) = self.terms.get_mut(&term) else { return };
        let Some((_, by_policy)) = told.sought.take() else { return };
        let from = told.read_to;
        let mut reason = history::StartReason::Seek;
        if by_policy {
            self.reset(fabric, partition, term, from, position);
            reason = history::StartReason::Reset;
        }
        self.start(fabric, partition, term, position, None, reason);
    }

    pub(super) fn delivered(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        term: Term,
        records: &[LoggedRecord],
    ) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        if last.offset - first.offset > 1_000_000 {
            fabric.reach(Reached::GapRead);
        }
        if let Some(told) = self.terms.get_mut(&term) {
            told.read_to = last.offset + 1;
        }
        let at = self.at(fabric, partition, term);
        let delivered = history::Delivered {
            topic: at.topic,
            partition: at.partition,
            term: at.term,
            first: first.offset,
            last: last.offset,
            count: records.len() as u64,
        };
        fabric.record(self.process, Event::Delivered(delivered));
    }

    pub(super) fn started(
        &self,
        fabric: &mut Fabric,
        partition: PartitionId,
        deliver: &Deliver,
        records: &[LoggedRecord],
    ) {
        let at = self.at(fabric, partition, deliver.term);
        let batch = fabric.plan.engine.delivery_unit == DeliveryUnit::Batch;
        let key = records.first().filter(|_| !batch).and_then(|record| record.key);
        let started = history::Started {
            topic: at.topic,
            partition: at.partition,
            term: at.term,
            offset: deliver.first.get(),
            attempt: deliver.attempt.get(),
            key: key.map(|key| fabric.recorder.key_name(key)),
            last: batch.then_some(deliver.last.get()),
            count: batch.then_some(u64::from(deliver.count)),
        };
        fabric.record(self.process, Event::Started(started));
    }

    pub(super) fn skipped(
        &self,
        fabric: &mut Fabric,
        term: Term,
        from: Position,
        to: Position,
        reason: SkipReason,
    ) {
        let Some(partition) = self.partition_of(term) else { return };
        let at = self.at(fabric, partition, term);
        let skipped = history::Skipped {
            topic: at.topic,
            partition: at.partition,
            term: at.term,
            offset: from.get(),
            last: Some(to.get() - 1),
            why: format!("{reason:?}").into(),
        };
        fabric.record(self.process, Event::Skipped(skipped));
    }

    pub(super) fn paused(&mut self, fabric: &mut Fabric, term: Term, reason: PauseReason) {
        let Some(told) = self.terms.get_mut(&term) else { return };
        let before = told.paused.iter().any(|other| word(*other) == word(reason));
        told.paused.insert(reason);
        if !before {
            let pause = self.pause(fabric, term, reason);
            fabric.record(self.process, Event::Paused(pause));
        }
    }

    pub(super) fn resumed(&mut self, fabric: &mut Fabric, term: Term, reason: PauseReason) {
        let Some(told) = self.terms.get_mut(&term) else { return };
        told.paused.remove(&reason);
        if !told.paused.iter().any(|other| word(*other) == word(reason)) {
            let pause = self.pause(fabric, term, reason);
            fabric.record(self.process, Event::Resumed(pause));
        }
    }

    fn pause(&self, fabric: &Fabric, term: Term, reason: PauseReason) -> history::Pause {
        let at = self.at(fabric, self.terms[&term].partition, term);
        let reason = word(reason);
        history::Pause { topic: at.topic, partition: at.partition, term: at.term, reason }
    }

    pub(super) fn stale(
        &self,
        fabric: &mut Fabric,
        partition: PartitionId,
        term: Term,
        offset: Offset,
        [before, after]: [u64; 2],
    ) {
        let at = self.at(fabric, partition, term);
        let stale = history::Stale {
            topic: at.topic,
            partition: at.partition,
            term: at.term,
            offset: offset.get(),
            before,
            after,
        };
        fabric.record(self.process, Event::Stale(stale));
    }

    pub(super) fn commit_ended(
        &self,
        fabric: &mut Fabric,
        effect: EffectId,
        results: &[(PartitionId, i64, Outcome<()>)],
    ) {
        let results = results
            .iter()
            .map(|(partition, position, outcome)| {
                let of = &fabric.plan.partitions[partition.index()];
                let (outcome, error) = match outcome {
                    Outcome::Done(()) => (CommitOutcome::Done, None),
                    Outcome::Refused(refusal) => {
                        (CommitOutcome::Refused, Some(format!("{refusal:?}").into()))
                    }
                    Outcome::Unknown => (CommitOutcome::Unknown, None),
                };
                history::CommitResult {
                    topic: of.topic.clone(),
                    partition: of.partition,
                    position: *position,
                    outcome,
                    error,
                }
            })
            .collect();
        let ended = history::CommitEnded { commit: effect.0, results };
        fabric.record(self.process, Event::CommitEnded(ended));
    }

    /// Keeps the terms of a commit for an answer that comes again.
    pub(super) fn remember(&mut self, effect: EffectId, terms: BTreeMap<PartitionId, Term>) {
        self.answered.insert(effect, terms);
    }

    pub(super) fn forgotten_terms(&self, effect: EffectId) -> BTreeMap<PartitionId, Term> {
        self.answered.get(&effect).cloned().unwrap_or_default()
    }

    fn open(&mut self, partition: PartitionId, term: Term, read_to: i64) {
        self.current[partition.index()] = Some(term);
        let told = Told { partition, paused: BTreeSet::new(), sought: None, read_to };
        self.terms.insert(term, told);
    }

    fn at(&self, fabric: &Fabric, partition: PartitionId, term: Term) -> PartitionTerm {
        let of = &fabric.plan.partitions[partition.index()];
        PartitionTerm { topic: of.topic.clone(), partition: of.partition, term: term.get() }
    }
}

/// The format's word for a reason. Both of the engine's budgets stop only the reading.
fn word(reason: PauseReason) -> history::PauseReason {
    match reason {
        PauseReason::User => history::PauseReason::User,
        PauseReason::Backpressure | PauseReason::Uncommitted => history::PauseReason::Backpressure,
        PauseReason::Drain => history::PauseReason::Drain,
    }
}
