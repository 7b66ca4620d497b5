//! The engine: takes what happened, decides what to do.
//!
//! Kafka's client, handlers and the application all speak at once, and each can be late. The
//! engine hears one thing at a time and looks at the whole after each: which records may start,
//! which positions may be committed, which partitions may go. It never waits; a deadline is a time
//! at which the caller comes back.
//!
//! Each concern is a file beside this one: starts, fetched records, running handlers, commits,
//! giving partitions back, stopping, the application's requests, deadlines, and the view.

mod commits;
mod controls;
mod deadlines;
mod fetched;
mod giving;
mod running;
mod starts;
mod stopping;
mod view;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use crate::assignment::{Assignment, Orphan, Partition};
use crate::lane::{LaneHasher, LaneTable, PartitionIndex};
use crate::{
    ConfigError, ControlId, Counters, DeliveryUnit, EffectId, EngineConfig, Guarantee, Input, Mono,
    Now, Output, Stopped, Term, TopicPartition,
};

/// Decides for one member of a consumer group.
///
/// Call [`Engine::handle_input`] for everything that happens and [`Engine::handle_timeout`] when
/// [`Engine::poll_timeout`] says so; after each, take [`Engine::poll_output`] until it is `None`
/// and do the outputs in order. Of [`Input::Finished`] several may be given before outputs are
/// taken: what follows from them is then decided once. Time must not run backwards.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    partitions: Vec<Partition>,
    index: BTreeMap<TopicPartition, PartitionIndex>,
    // Looked up only; never iterated.
    terms: HashMap<Term, PartitionIndex, BuildHasherDefault<LaneHasher>>,
    /// The partition that something finished for last; a guess, as the same is likely to be next.
    recent: PartitionIndex,
    /// Since when ends of work were noted and nothing was decided about them.
    behind: Option<Mono>,
    /// Their partition, if it is not settled.
    unsettled: Option<PartitionIndex>,
    last_term: u64,
    last_effect: u64,
    /// Who waits for which effect.
    effects: BTreeMap<EffectId, Vec<(Term, PartitionIndex)>>,
    orphans: BTreeMap<(Term, i64), Orphan>,
    lanes: LaneTable,
    /// Partitions with ready units, in turn.
    round: VecDeque<PartitionIndex>,
    /// Units that the partition whose turn it is started in this turn.
    started_in_turn: usize,
    /// Deliveries that run under a current term.
    running: usize,
    /// Partitions that are assigned.
    assigned: usize,
    share: fetched::Share,
    /// At-most-once: whose turn it is to commit ahead first.
    turn: usize,
    givings: Vec<giving::Giving>,
    controls: BTreeMap<ControlId, controls::Pending>,
    stopping: Option<stopping::Stopping>,
    stopped: bool,
    counters: Counters,
    outputs: VecDeque<Output>,
}

impl Engine {
    /// An engine that holds nothing yet.
    ///
    /// # Errors
    ///
    /// If the configuration asks for a combination that cannot hold.
    pub fn new(config: EngineConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            config: config.checked()?,
            partitions: Vec::new(),
            index: BTreeMap::new(),
            terms: HashMap::default(),
            recent: 0,
            behind: None,
            unsettled: None,
            last_term: 0,
            last_effect: 0,
            effects: BTreeMap::new(),
            orphans: BTreeMap::new(),
            lanes: LaneTable::default(),
            round: VecDeque::new(),
            started_in_turn: 0,
            running: 0,
            assigned: 0,
            share: fetched::Share::default(),
            turn: 0,
            givings: Vec::new(),
            controls: BTreeMap::new(),
            stopping: None,
            stopped: false,
            counters: Counters::default(),
            outputs: VecDeque::new(),
        })
    }

    /// Takes one thing that happened. Late, repeated and foreign inputs are counted and dropped.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        let now = now.mono;
        if let Input::Finished { term, first, last, attempt, outcome } = input {
            if self.stopped {
                self.counters.stale_inputs += 1;
            } else {
                self.on_finished(now, term, first, last, attempt, outcome);
                self.behind = Some(now);
            }
            return;
        }
        self.catch_up();
        if self.stopped {
            self.refuse_after_stop(input);
            return;
        }
        match input {
            Input::Assigned(partitions) => self.on_assigned(now, partitions),
            Input::Revoked(partitions) => self.on_revoked(now, &partitions),
            Input::Lost(partitions) => self.on_lost(now, &partitions),
            Input::StartFound { term, outcome } => self.on_start_found(now, term, outcome),
            Input::Fetched { term, batch } => self.on_fetched(now, term, batch),
            Input::EndReached { term, position } => self.on_end_reached(now, term, position),
            Input::FetchFailed { term, failure } => self.on_fetch_failed(now, term, failure),
            Input::Finished { .. } => unreachable!("it was handled above"),
            Input::EffectEnded { effect, outcomes } => self.on_effect_ended(now, effect, outcomes),
            Input::Control { id, request } => self.on_control(now, id, request),
            Input::Stop { deadline } => self.on_stop(now, deadline),
            Input::Abort => self.on_abort(),
        }
        self.decide(now);
    }

    /// Notices that time passed. A call too early, or one too many, changes nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        self.catch_up();
        if self.stopped {
            return;
        }
        self.on_timeout(now.mono);
        self.decide(now.mono);
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.catch_up();
        self.outputs.pop_front()
    }

    /// The term under which this member holds a partition.
    pub fn term_of(&self, partition: &TopicPartition) -> Option<Term> {
        let index = *self.index.get(partition)?;
        Some(self.partitions[index as usize].assignment.as_ref()?.term)
    }

    /// What follows from the state as a whole, whatever happened last.
    fn decide(&mut self, now: Mono) {
        if self.stopped {
            return;
        }
        if self.config.guarantee == Guarantee::AtMostOnce {
            self.commit_ahead(now);
        }
        self.start_ready(now);
        if !self.givings.is_empty() {
            self.finish_givings(now);
        }
        if self.stopping.is_some() {
            self.finish_stop(now, false);
        }
    }

    /// Decides about the ends that were noted.
    fn catch_up(&mut self) {
        if let Some(now) = self.behind.take() {
            if let Some(index) = self.unsettled.take() {
                self.settle(now, index);
            }
            self.decide(now);
        }
    }

    /// Settles a partition when another has its turn, or outputs are taken.
    fn settle_later(&mut self, now: Mono, index: PartitionIndex) {
        if let Some(before) = self.unsettled.replace(index)
            && before != index
        {
            self.settle(now, before);
        }
    }

    /// The partition of a term that is not over.
    fn index_of(&mut self, term: Term) -> Option<PartitionIndex> {
        let guess = self.partitions.get(self.recent as usize)?;
        if guess.assignment.as_ref().is_none_or(|held| held.term != term) {
            self.recent = *self.terms.get(&term)?;
        }
        Some(self.recent)
    }

    /// What follows for one partition that something happened to.
    fn settle(&mut self, now: Mono, index: PartitionIndex) {
        self.note_dirty(now, index);
        self.update_flow(now, index);
        self.commit_if_due(now, index);
    }

    fn stop_with(&mut self, stopped: Stopped) {
        self.answer_all_ended();
        self.stopped = true;
        self.outputs.push_back(Output::Stopped(stopped));
    }

    /// A payload or a request that comes after the end still gets its answer.
    fn refuse_after_stop(&mut self, input: Input) {
        match input {
            Input::Fetched { batch, .. } => self.discard_batch(&batch),
            Input::Control { id, .. } => self.answer_stopping(id),
            _ => self.counters.stale_inputs += 1,
        }
    }

    fn intern(&mut self, name: TopicPartition) -> PartitionIndex {
        if let Some(&index) = self.index.get(&name) {
            return index;
        }
        let index = PartitionIndex::try_from(self.partitions.len())
            .expect("a group has fewer partitions than a u32 can count");
        self.partitions.push(Partition::new(name.clone()));
        self.index.insert(name, index);
        index
    }

    fn new_term(&mut self, index: PartitionIndex) -> Term {
        self.last_term += 1;
        let term = Term::new(self.last_term);
        self.terms.insert(term, index);
        term
    }

    fn new_effect(&mut self, concerns: Vec<(Term, PartitionIndex)>) -> EffectId {
        self.last_effect += 1;
        let effect = EffectId(self.last_effect);
        self.effects.insert(effect, concerns);
        effect
    }

    fn one_record_each(&self) -> bool {
        self.config.delivery_unit == DeliveryUnit::Record
    }

    fn held(&self, index: PartitionIndex) -> Option<&Assignment> {
        self.partitions[index as usize].assignment.as_ref()
    }

    fn held_mut(&mut self, index: PartitionIndex) -> Option<&mut Assignment> {
        self.partitions[index as usize].assignment.as_mut()
    }

    /// The partition of a term that is not over; counts an input for one that is.
    fn current(&mut self, term: Term) -> Option<PartitionIndex> {
        let index = self.terms.get(&term).copied();
        if index.is_none() {
            self.counters.stale_inputs += 1;
        }
        index
    }

    /// All partitions that are assigned.
    fn indexes(&self) -> Vec<PartitionIndex> {
        let all = 0..self.partitions.len() as PartitionIndex;
        all.filter(|&index| self.held(index).is_some()).collect()
    }
}
