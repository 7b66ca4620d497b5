//! Starting records and hearing how they ended.
//!
//! A record starts when it is first in its lane, its partition flows and a place is free. Its end
//! moves the tracker only under the term that it was started in; after that the handler merely
//! gives its place and its lane back.

use crate::assignment::{Orphan, Stage, UnitState};
use crate::engine::Engine;
use crate::lane::{LaneKey, PartitionIndex};
use crate::{
    Attempt, FIRST_ATTEMPT, Guarantee, HandlerOutcome, Mono, Offset, Output, StopReason, Term,
};

/// How many units one partition starts before the next one has its turn: what belongs to a
/// partition stays in the processor's caches, and no other waits for long.
const UNITS_A_TURN: usize = 16;

impl Engine {
    /// Starts what may start, a few units of each partition in turn.
    pub(super) fn start_ready(&mut self, now: Mono) {
        let places = self.config.budget.max_in_flight.get();
        while let Some(&index) = self.round.front() {
            let free = places.saturating_sub(self.running + self.orphans.len());
            if free == 0 {
                return;
            }
            let allowed = self.held(index).is_some_and(|held| self.may_start(held));
            if allowed {
                self.start_some(now, index, free.min(UNITS_A_TURN - self.started_in_turn));
            }
            let is_over = self.started_in_turn == UNITS_A_TURN;
            if let Some(held) = self.partitions[index as usize].assignment.as_mut() {
                held.in_round = allowed && !held.ready.is_empty();
                if held.in_round && !is_over {
                    continue;
                }
                if held.in_round {
                    self.round.push_back(index);
                }
            }
            self.round.pop_front();
            self.started_in_turn = 0;
        }
    }

    /// Starts up to so many ready units of one partition.
    fn start_some(&mut self, now: Mono, index: PartitionIndex, most: usize) {
        let Self { partitions, outputs, .. } = self;
        let Some(held) = partitions[index as usize].assignment.as_mut() else {
            return;
        };
        let mut started = 0;
        while started < most
            && let Some(number) = held.ready.pop_front()
        {
            let Some(unit) = held.units.get_mut(number) else {
                continue;
            };
            if unit.state != UnitState::Ready {
                continue;
            }
            unit.state = UnitState::Running;
            unit.since = now;
            let (first, count, token) = (unit.first, unit.count, unit.token);
            held.started = held.started.max(first + u64::from(count));
            outputs.push_back(Self::deliver(held, first, count, token));
            started += 1;
        }
        held.running += started;
        held.unstarted -= started as u64;
        self.running += started;
        self.started_in_turn += started;
        if self.config.guarantee == Guarantee::AtMostOnce {
            self.update_flow(now, index);
        }
    }

    /// Gives a partition its turn again after something kept its ready units from starting.
    pub(super) fn wake(&mut self, index: PartitionIndex) {
        let Some(held) = self.partitions[index as usize].assignment.as_mut() else {
            return;
        };
        if !held.ready.is_empty() && !std::mem::replace(&mut held.in_round, true) {
            self.round.push_back(index);
        }
    }

    pub(super) fn on_finished(
        &mut self,
        now: Mono,
        term: Term,
        first: Offset,
        last: Offset,
        attempt: Attempt,
        outcome: HandlerOutcome,
    ) {
        let running_term = self.index_of(term).filter(|&index| {
            self.held(index).is_some_and(|held| !matches!(held.stage, Stage::Cut | Stage::Lost))
        });
        let Some(index) = running_term else {
            self.on_stale_result(term, first, last);
            return;
        };
        let Some(held) = self.partitions[index as usize].assignment.as_mut() else {
            return;
        };
        let found = held.tracker.number_of(first).and_then(|record| {
            let number = held.units.of_record(record)?;
            Some((record, number, held.units.get(number)?.state))
        });
        let Some((record, number, state)) = found else {
            self.counters.stale_results += 1;
            return;
        };
        let may_end = match state {
            UnitState::Running => true,
            // The records of a failed batch that were handled all the same.
            UnitState::Failed => outcome == HandlerOutcome::Done,
            _ => false,
        };
        if !may_end || attempt != FIRST_ATTEMPT {
            self.counters.stale_results += 1;
            return;
        }
        let at_most_once = self.config.guarantee == Guarantee::AtMostOnce;
        if outcome == HandlerOutcome::Done {
            self.counters.done += self.finish_records(index, number, record, last);
            self.end_piece(index, number, record, last);
        } else if at_most_once {
            // It will not run again, so nothing waits for it.
            self.finish_records(index, number, record, last);
            self.note_failure(now, index, first, outcome);
        } else {
            self.fail_piece(index, number, record, last);
            self.note_failure(now, index, first, outcome);
        }
        self.settle_later(now, index);
    }

    /// Marks the records of a unit from number `record` to offset `last` as finished, and returns
    /// how many.
    fn finish_records(
        &mut self,
        index: PartitionIndex,
        number: u64,
        record: u64,
        last: Offset,
    ) -> u64 {
        let at_most_once = self.config.guarantee == Guarantee::AtMostOnce;
        let Some(held) = self.partitions[index as usize].assignment.as_mut() else {
            return 0;
        };
        let Some(unit) = held.units.get_mut(number) else {
            return 0;
        };
        let fresh = if unit.count == 1 {
            u64::from(held.tracker.finish_number(record))
        } else {
            let end = held.tracker.number_at_or_after(last.next());
            held.tracker.finish_numbers(record, end.min(unit.first + u64::from(unit.count)))
        };
        unit.left -= u32::try_from(fresh).expect("no more than the unit has");
        held.buffered_records -= fresh;
        if at_most_once {
            held.ahead -= fresh;
        }
        if unit.left > 0 {
            return fresh;
        }
        // The unit's bytes, its place and its lane are free.
        if unit.state == UnitState::Running {
            held.running -= 1;
            self.running -= 1;
        }
        unit.state = UnitState::Ended;
        held.buffered_bytes -= unit.bytes;
        let lane = unit.lane;
        if held.units.first() == Some(number) {
            held.units.prune();
        }
        if let Some(lane) = lane {
            self.leave_lane(index, lane);
        }
        fresh
    }

    fn leave_lane(&mut self, index: PartitionIndex, lane: LaneKey) {
        let Self { partitions, lanes, round, .. } = self;
        let held = partitions[index as usize].assignment.as_mut();
        let next = lanes.leave((index, lane), |unit| {
            let unit = held.as_ref()?.units.get(unit)?;
            (unit.next != 0).then_some(unit.next)
        });
        let (Some(next), Some(held)) = (next, held) else {
            return;
        };
        let unit = held.units.get_mut(next).expect("a unit that waits is in the queue");
        debug_assert_eq!(unit.state, UnitState::Waiting);
        unit.state = UnitState::Ready;
        held.ready.push_back(next);
        if !std::mem::replace(&mut held.in_round, true) {
            round.push_back(index);
        }
    }

    /// A piece of a unit failed. The unit runs on until the end of its last piece is reported.
    fn fail_piece(&mut self, index: PartitionIndex, number: u64, record: u64, last: Offset) {
        let Some(held) = self.partitions[index as usize].assignment.as_mut() else {
            return;
        };
        let Some(unit) = held.units.get(number) else {
            return;
        };
        let (tracker, records) = (&held.tracker, unit.first..unit.first + u64::from(unit.count));
        held.failing
            .entry(number)
            .or_insert_with(|| records.filter(|&number| !tracker.is_finished(number)).collect());
        self.end_piece(index, number, record, last);
    }

    /// Notes the end of a piece of a unit of which a piece failed.
    fn end_piece(&mut self, index: PartitionIndex, number: u64, record: u64, last: Offset) {
        let Some(held) = self.partitions[index as usize].assignment.as_mut() else {
            return;
        };
        if held.failing.is_empty() {
            return;
        }
        let Some(unreported) = held.failing.get_mut(&number) else {
            return;
        };
        let end = held.tracker.number_at_or_after(last.next());
        unreported.retain(|&other| other < record || end <= other);
        if unreported.is_empty() {
            held.failing.remove(&number);
            self.fail_unit(index, number);
        }
    }

    /// Keeps a failed unit where it is: nothing of its lane runs and nothing past it is committed.
    fn fail_unit(&mut self, index: PartitionIndex, number: u64) {
        let Some(held) = self.partitions[index as usize].assignment.as_mut() else {
            return;
        };
        let Some(unit) = held.units.get_mut(number) else {
            return;
        };
        unit.state = UnitState::Failed;
        held.running -= 1;
        self.running -= 1;
    }

    /// A handler that gave up because it was asked to is no failure; any other stops the consumer.
    fn note_failure(
        &mut self,
        now: Mono,
        index: PartitionIndex,
        offset: Offset,
        outcome: HandlerOutcome,
    ) {
        let draining = self.held(index).is_some_and(|held| held.stage == Stage::Draining);
        if draining {
            self.drop_units(index, Drop::BeyondDrain);
        }
        if outcome == HandlerOutcome::Cancelled && draining {
            return;
        }
        self.counters.failed += 1;
        let partition = self.partitions[index as usize].name.clone();
        let panicked = outcome == HandlerOutcome::Panicked;
        self.begin_stop(now, StopReason::HandlerFailed { partition, offset, panicked }, None);
    }

    /// Turns what runs under a term that ends into orphans.
    pub(super) fn orphan_running(&mut self, index: PartitionIndex) -> u64 {
        let one_record_each = self.one_record_each();
        let Some(held) = self.partitions[index as usize].assignment.as_mut() else {
            return 0;
        };
        let mut orphans = Vec::new();
        let failing = std::mem::take(&mut held.failing);
        let running = held.units.iter().filter(|(_, unit)| unit.state == UnitState::Running);
        for (number, unit) in running {
            let unfinished = match failing.get(&number) {
                Some(unreported) => {
                    unreported.iter().map(|&record| held.tracker.offset_of(record)).collect()
                }
                None => Self::unfinished_of(held, unit),
            };
            orphans.push((unit.lane, held.tracker.offset_of(unit.first), unfinished));
        }
        let term = held.term;
        self.running -= held.running;
        held.running = 0;
        let mut records = 0;
        for (mut lane, first, unfinished) in orphans {
            records += unfinished.len() as u64;
            if lane.is_none() && one_record_each {
                let own = LaneKey::record(first);
                self.lanes.join((index, own), 0);
                lane = Some(own);
            }
            let orphan = Orphan { partition: index, lane, unfinished };
            self.orphans.insert((term, first.get()), orphan);
            self.counters.orphaned += 1;
        }
        records
    }

    fn on_stale_result(&mut self, term: Term, first: Offset, last: Offset) {
        self.counters.stale_results += 1;
        let range = (term, i64::MIN)..=(term, first.get());
        let Some((&key, orphan)) = self.orphans.range_mut(range).next_back() else {
            return;
        };
        orphan.unfinished.retain(|offset| *offset < first || last < *offset);
        if !orphan.unfinished.is_empty() {
            return;
        }
        let Some(orphan) = self.orphans.remove(&key) else {
            return;
        };
        if let Some(lane) = orphan.lane {
            self.leave_lane(orphan.partition, lane);
        }
    }

    /// Gives back the payloads of units that will not start, and their places in the lanes, and
    /// returns how many records of them were committed ahead.
    pub(super) fn drop_units(&mut self, index: PartitionIndex, scope: Drop) -> u64 {
        let Self { config, partitions, lanes, outputs, counters, .. } = self;
        let Some(held) = partitions[index as usize].assignment.as_mut() else {
            return 0;
        };
        let from = match scope {
            Drop::BeyondDrain => held.kept_by_drain(config.guarantee),
            Drop::All => 0,
        };
        let boundary = held.units.iter().find(|(_, unit)| unit.first >= from);
        let boundary = boundary.map_or(u64::MAX, |(number, _)| number);
        for (number, unit) in held.units.iter_mut() {
            let (UnitState::Waiting, Some(lane)) = (unit.state, unit.lane) else { continue };
            if number >= boundary {
                lanes.forget_waiting((index, lane), boundary);
            } else if unit.next >= boundary {
                unit.next = 0;
                lanes.end_waiting_at((index, lane), number);
            }
        }
        let (mut dropped, mut lost, mut left, mut bytes) = (0, 0, 0, 0);
        for (_, unit) in held.units.iter_mut().filter(|(_, unit)| unit.first >= from) {
            match unit.state {
                UnitState::Running | UnitState::Ended => continue,
                UnitState::Failed if scope == Drop::BeyondDrain => continue,
                UnitState::Failed => {}
                UnitState::Buffered | UnitState::Waiting | UnitState::Ready => {
                    outputs.push_back(Output::Discard(unit.token));
                    dropped += u64::from(unit.left);
                    lost += u64::from(unit.left) * u64::from(unit.first < held.covering);
                }
            }
            if let (UnitState::Ready | UnitState::Failed, Some(lane)) = (unit.state, unit.lane) {
                lanes.free((index, lane));
            }
            if matches!(unit.state, UnitState::Ready | UnitState::Waiting) {
                held.unstarted -= 1;
            }
            unit.state = UnitState::Ended;
            left += u64::from(unit.left);
            bytes += unit.bytes;
        }
        held.buffered_records -= left;
        held.buffered_bytes -= bytes;
        let units = &held.units;
        held.ready.retain(|&unit| units.get(unit).is_some_and(|u| u.state == UnitState::Ready));
        held.units.prune();
        counters.dropped += dropped;
        counters.lost_ahead += lost;
        lost
    }
}

/// Which units a drop concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drop {
    /// Those that a drain does not keep.
    BeyondDrain,
    /// All that do not run: the term ends.
    All,
}
