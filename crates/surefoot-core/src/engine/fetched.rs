//! Records that were read: tracked, ordered, and held within the budget.
//!
//! A client that rebalances forgets its prefetch and reads it again, so the same offsets can come
//! twice within a term; the second time they are dropped. The budget is shared out equally over
//! the assigned partitions, so that one that is stuck cannot starve the others.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::assignment::{Assignment, Orphan, Stage, Unit, UnitState};
use crate::engine::Engine;
use crate::lane::{Joined, LaneKey, LaneTable, PartitionIndex};
use crate::{
    CommitPolicy, Deliver, DeliveryUnit, Fetched, Guarantee, Mono, Offset, Output, PauseReason,
    Position, ProcessingOrder, RecordMeta, SkipReason, Term, Token,
};

/// Records of one partition that may start, however many partitions share the places.
const FEWEST_READY: usize = 32;

/// Batches of one partition that wait behind the one that runs.
const BATCHES_BEHIND: u64 = 2;

/// What each of so many partitions may hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    partitions: usize,
    records: u64,
    bytes: u64,
}

impl Engine {
    pub(super) fn on_fetched(&mut self, now: Mono, term: Term, batch: Fetched) {
        let index = self.terms.get(&term).copied();
        let reads = |held: &&Assignment| held.stage == Stage::Active;
        let Some(index) = index.filter(|&index| self.held(index).filter(reads).is_some()) else {
            self.counters.stale_records += batch.records.len() as u64;
            self.discard_batch(&batch);
            return;
        };
        if self.one_record_each() {
            self.accept_records(now, index, &batch);
        } else {
            self.accept_batch(now, index, &batch);
        }
        self.settle(now, index);
    }

    /// Whether a partition has as much that may start as could start soon. Reading on is allowed
    /// all the same, and gains nothing: what waits long leaves the processor's caches.
    pub fn has_enough(&self, term: Term) -> bool {
        let index = self.terms.get(&term).copied();
        let Some(held) = index.and_then(|index| self.held(index)) else {
            return false;
        };
        match self.config.delivery_unit {
            DeliveryUnit::Record => {
                let places = self.config.budget.max_in_flight.get();
                let soon = (2 * places / self.assigned.max(1)).max(FEWEST_READY);
                held.ready.len() >= soon
            }
            DeliveryUnit::Batch => held.unstarted >= BATCHES_BEHIND,
        }
    }

    /// Gives every payload of a batch back.
    pub(super) fn discard_batch(&mut self, batch: &Fetched) {
        if self.one_record_each() {
            let tokens = batch.records.iter().map(|record| Output::Discard(record.token));
            self.outputs.extend(tokens);
        } else {
            self.outputs.push_back(Output::Discard(batch.token));
        }
    }

    fn accept_records(&mut self, now: Mono, index: PartitionIndex, batch: &Fetched) {
        let at_most_once = self.config.guarantee == Guarantee::AtMostOnce;
        let order = self.config.processing_order;
        let Self { partitions, lanes, orphans, outputs, counters, .. } = self;
        let Some(held) = partitions[index as usize].assignment.as_mut() else {
            return;
        };
        let first = held.tracker.end();
        for record in &batch.records {
            if record.offset.position() < held.tracker.position() {
                counters.stale_records += 1;
                outputs.push_back(Output::Discard(record.token));
                continue;
            }
            let number = held.tracker.deliver(record.offset);
            let mut unit = Unit {
                first: number,
                count: 1,
                left: 1,
                token: record.token,
                bytes: u64::from(record.bytes),
                lane: lane_of(order, record),
                next: 0,
                state: UnitState::Buffered,
                since: now,
            };
            if !held.done_before.is_empty() && held.done_before.take(record.offset) {
                unit.state = UnitState::Ended;
                held.units.push(unit);
                held.tracker.finish_number(number);
                held.units.prune();
                let (term, from, to) = (held.term, record.offset.position(), record.offset.next());
                counters.skipped += 1;
                outputs.push_back(Output::Discard(record.token));
                let reason = SkipReason::DoneBefore;
                outputs.push_back(Output::Skipped { term, from, to, reason });
                continue;
            }
            held.buffered_records += 1;
            held.buffered_bytes += u64::from(record.bytes);
            counters.delivered += 1;
            if !at_most_once {
                let at = held.units.next();
                place(held, lanes, orphans, (index, at), &mut unit);
            }
            held.units.push(unit);
        }
        if held.tracker.end() > first {
            held.at_end = false;
            if let Some(epoch) = batch.leader_epoch {
                held.note_epoch(first, epoch);
            }
        }
        self.wake(index);
    }

    fn accept_batch(&mut self, now: Mono, index: PartitionIndex, batch: &Fetched) {
        let lane = match self.config.processing_order {
            ProcessingOrder::Unordered => None,
            ProcessingOrder::Partition | ProcessingOrder::Key => Some(LaneKey::WHOLE),
        };
        let at_most_once = self.config.guarantee == Guarantee::AtMostOnce;
        let window = self.config.window();
        let Some(held) = self.held_mut(index) else {
            return;
        };
        let first = held.tracker.end();
        let mut bytes = 0;
        for record in &batch.records {
            if record.offset.position() >= held.tracker.position() {
                held.tracker.deliver(record.offset);
                bytes += u64::from(record.bytes);
            }
        }
        let count = held.tracker.end() - first;
        let stale = batch.records.len() as u64 - count;
        if count > 0 {
            assert!(
                !at_most_once || count <= window,
                "a batch of {count} records is larger than the commit window of {window}"
            );
            if let Some(epoch) = batch.leader_epoch {
                held.note_epoch(first, epoch);
            }
            held.at_end = false;
            held.buffered_records += count;
            held.buffered_bytes += bytes;
            let count = u32::try_from(count).expect("a batch has fewer records than u32 counts");
            let unit = held.units.push(Unit {
                first,
                count,
                left: count,
                token: batch.token,
                bytes,
                lane,
                next: 0,
                state: UnitState::Buffered,
                since: now,
            });
            if !at_most_once {
                self.admit(index, unit);
            }
        } else {
            self.outputs.push_back(Output::Discard(batch.token));
        }
        self.counters.delivered += count;
        self.counters.stale_records += stale;
    }

    /// Lets a unit that was read take its place in its lane.
    pub(super) fn admit(&mut self, index: PartitionIndex, number: u64) {
        let Self { partitions, lanes, orphans, .. } = self;
        let Some(held) = partitions[index as usize].assignment.as_mut() else {
            return;
        };
        let Some(mut unit) = held.units.get(number).copied() else {
            return;
        };
        place(held, lanes, orphans, (index, number), &mut unit);
        *held.units.get_mut(number).expect("it was found above") = unit;
        self.wake(index);
    }

    pub(super) fn on_end_reached(&mut self, now: Mono, term: Term, position: Position) {
        let Some(index) = self.current(term) else {
            return;
        };
        let Some(held) = self.held_mut(index) else {
            return;
        };
        if held.stage != Stage::Active {
            // Records that a drain dropped lie below this end, and nobody handles them.
            self.counters.stale_inputs += 1;
            return;
        }
        // An end that lies below what was read was seen before those records were.
        if position >= held.tracker.position() {
            held.tracker.reach(position);
            held.at_end = true;
        }
        self.settle(now, index);
    }

    /// Pauses or resumes what the budgets say, after something changed for one partition.
    pub(super) fn update_flow(&mut self, now: Mono, index: PartitionIndex) {
        let Share { records, bytes, .. } = self.share();
        let budget = &self.config.budget;
        let uncommitted = budget.max_uncommitted_records.get() as u64;
        let age = budget.max_uncommitted_age;
        let by_policy = self.pauses_when_uncommitted();
        let partition = &mut self.partitions[index as usize];
        let failing = partition.commit.failures > 0;
        let Some(held) = &mut partition.assignment else {
            return;
        };
        if held.stage != Stage::Active {
            return;
        }
        let (have_records, have_bytes) = (held.buffered_records, held.buffered_bytes);
        let full = have_records >= records || have_bytes >= bytes;
        let low = have_records <= records / 2 && have_bytes <= bytes / 2;
        let span = held.tracker.end() - held.committed_number;
        let aged = failing && held.dirty_since.is_some_and(|since| now.since(since) >= age);
        let stuck = by_policy && (span >= uncommitted || aged);
        if !full && !stuck && held.pauses.is_empty() {
            return;
        }
        let unstuck = span <= uncommitted / 2 && !aged;
        self.set_pause(index, PauseReason::Backpressure, full, low);
        self.set_pause(index, PauseReason::Uncommitted, stuck, unstuck);
        self.tell_user_pause(index);
    }

    /// Whether it is the engine's doing, not the application's, when much stays uncommitted.
    pub(super) fn pauses_when_uncommitted(&self) -> bool {
        matches!(self.config.commit, CommitPolicy::Auto { .. })
            && self.config.guarantee == Guarantee::AtLeastOnce
    }

    /// The share of one partition, worked out anew when there are more partitions or fewer.
    fn share(&mut self) -> Share {
        let partitions = self.assigned.max(1);
        if self.share.partitions != partitions {
            let budget = &self.config.budget;
            let of = |whole: NonZeroUsize| (whole.get() / partitions).max(1) as u64;
            let (records, bytes) = (of(budget.max_buffered_records), of(budget.max_buffered_bytes));
            self.share = Share { partitions, records, bytes };
        }
        self.share
    }

    fn set_pause(&mut self, index: PartitionIndex, reason: PauseReason, on: bool, off: bool) {
        let Some(held) = self.held_mut(index) else {
            return;
        };
        let term = held.term;
        if on && held.pauses.add(reason) {
            self.outputs.push_back(Output::Pause { term, reason });
        } else if off && held.pauses.remove(reason) {
            let flowing = held.flows();
            self.outputs.push_back(Output::Resume { term, reason, flowing });
        }
    }

    /// Under at-most-once a pause takes effect when what was committed ahead has started: holding
    /// it back would only make it easier to lose.
    fn tell_user_pause(&mut self, index: PartitionIndex) {
        let Some(held) = self.held_mut(index) else {
            return;
        };
        let due =
            held.pauses.has(PauseReason::User) && !held.pause_told && held.covering == held.covered;
        let at_once = self.config.guarantee == Guarantee::AtLeastOnce;
        let Some(held) = self.held_mut(index) else {
            return;
        };
        if due && (at_once || held.unstarted == 0) {
            held.pause_told = true;
            let term = held.term;
            self.outputs.push_back(Output::Pause { term, reason: PauseReason::User });
        }
    }

    pub(super) fn update_all_flows(&mut self, now: Mono) {
        for index in self.indexes() {
            self.update_flow(now, index);
        }
    }

    /// The output that starts a unit.
    pub(super) fn deliver(held: &Assignment, number: u64, count: u32, token: Token) -> Output {
        let first = held.tracker.offset_of(number);
        let last = match count {
            1 => first,
            count => held.tracker.offset_of(number + u64::from(count) - 1),
        };
        Output::Deliver(Deliver {
            term: held.term,
            first,
            last,
            count,
            attempt: crate::FIRST_ATTEMPT,
            token,
        })
    }

    /// The offsets of a unit's records that did not end.
    pub(super) fn unfinished_of(held: &Assignment, unit: &Unit) -> Vec<Offset> {
        (unit.first..unit.first + u64::from(unit.count))
            .filter(|&number| !held.tracker.is_finished(number))
            .map(|number| held.tracker.offset_of(number))
            .collect()
    }
}

fn lane_of(order: ProcessingOrder, record: &RecordMeta) -> Option<LaneKey> {
    match (order, record.key) {
        (ProcessingOrder::Partition, _) => Some(LaneKey::WHOLE),
        (ProcessingOrder::Key, Some(key)) => Some(LaneKey::key(key)),
        (ProcessingOrder::Key, None) | (ProcessingOrder::Unordered, _) => None,
    }
}

/// Finds the place of a unit, which is in the queue or about to be: ready, or behind another one.
fn place(
    held: &mut Assignment,
    lanes: &mut LaneTable,
    orphans: &BTreeMap<(Term, i64), Orphan>,
    (index, number): (PartitionIndex, u64),
    unit: &mut Unit,
) {
    if unit.lane.is_none() && !orphans.is_empty() {
        // The same record may still run under a term that is over.
        let own = LaneKey::record(held.tracker.offset_of(unit.first));
        unit.lane = lanes.is_used((index, own)).then_some(own);
    }
    held.unstarted += 1;
    unit.state = UnitState::Waiting;
    match unit.lane.map(|lane| lanes.join((index, lane), number)) {
        None | Some(Joined::Free) => {
            unit.state = UnitState::Ready;
            held.ready.push_back(number);
        }
        Some(Joined::BehindOldTerm) => {}
        Some(Joined::Behind(ahead)) => {
            let ahead = held.units.get_mut(ahead).expect("a unit that waits is in the queue");
            ahead.next = number;
        }
    }
}
