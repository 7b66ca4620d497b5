//! One partition as the engine knows it: what outlives an assignment, and the assignment itself.
//!
//! What was read is kept as units, one for each delivery to come: a record, or a batch. Units sit
//! in a queue in the order of delivery and leave it from the front, so a unit is found by its
//! number without a map. Everything that must survive a term (the commit in flight, the lanes, what
//! is known to be committed) lives on the partition.

use std::collections::{BTreeMap, VecDeque};

use crate::commit::CommitSlot;
use crate::flow::Pauses;
use crate::lane::LaneKey;
use crate::{
    ControlId, DoneRanges, Guarantee, Mono, Offset, OffsetTracker, PauseReason, Position,
    SeekReason, SeekTo,
};
use crate::{Term, Token, TopicPartition};

/// A partition that this engine held at least once.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) name: TopicPartition,
    pub(crate) assignment: Option<Assignment>,
    /// At most one commit is in flight for a partition, whatever terms come and go.
    pub(crate) commit: CommitSlot,
    /// The position last known to be committed.
    pub(crate) known_committed: Option<Position>,
    pub(crate) topic_id: Option<[u8; 16]>,
}

/// One term of a partition.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) term: Term,
    pub(crate) stage: Stage,
    pub(crate) pauses: Pauses,
    pub(crate) tracker: OffsetTracker,
    pub(crate) units: Units,
    /// Units that may start and did not, by number.
    pub(crate) ready: VecDeque<u64>,
    /// Whether the partition waits in the engine's round of partitions with ready units.
    pub(crate) in_round: bool,
    /// Units that run.
    pub(crate) running: usize,
    /// Units that run on although a piece of them failed, and the records of theirs whose end was
    /// not reported.
    pub(crate) failing: BTreeMap<u64, Vec<u64>>,
    /// The number behind the last record that started.
    pub(crate) started: u64,
    /// Units that joined a lane and did not start: ready or waiting.
    pub(crate) unstarted: u64,
    /// Records that were read and did not end, and their bytes.
    pub(crate) buffered_records: u64,
    pub(crate) buffered_bytes: u64,
    /// At-most-once: records below this number were covered by a commit that was sent, up to this
    /// position.
    pub(crate) covering: u64,
    pub(crate) covering_position: Position,
    /// At-most-once: how many records the commit in flight adds to those ahead.
    pub(crate) covering_ahead: u64,
    /// At-most-once: the outcome of a commit up to `covering` was unknown once, so it may be stored
    /// whatever becomes of those that repeat it.
    pub(crate) covering_unknown: bool,
    /// At-most-once: records below this number are covered by an acknowledged commit and may start.
    pub(crate) covered: u64,
    /// At-most-once: records below `covering` that did not end.
    pub(crate) ahead: u64,
    /// What need not be committed again: the newest acknowledged commit of this term, or the start
    /// if a restart would find it by itself.
    pub(crate) committed: Option<Position>,
    /// The number behind the last record that it covers.
    pub(crate) committed_number: u64,
    /// Since when there is something to commit.
    pub(crate) dirty_since: Option<Mono>,
    /// Records whose handlers were left running when the drain ran out of time.
    pub(crate) cut: u64,
    /// The shell was told that the application paused the partition.
    pub(crate) pause_told: bool,
    /// The end of the partition was reached behind the last record.
    pub(crate) at_end: bool,
    /// A commit was refused because the group moved on; nothing starts until the client says so.
    pub(crate) fenced_at: Option<Mono>,
    /// Finished before this term, above its start.
    pub(crate) done_before: DoneRanges,
    /// Numbers from which a leader epoch holds.
    pub(crate) epochs: VecDeque<(u64, i32)>,
}

/// What an assignment is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Asks where to start.
    FindingStart(FindStart),
    /// Waits for the client to go on elsewhere.
    Seeking(Seeking),
    /// Reads and delivers.
    Active,
    /// Cannot be read any more; what was read goes on.
    Failed,
    /// Its handlers may still end, its records do not start.
    Draining,
    /// No handler's answer counts any more; what ended before is still committed.
    Cut,
    /// Gone: it waits for its commit to be settled, and makes no other.
    Lost,
}

/// A start that is being looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FindStart {
    /// Where the application or a policy wants to go; the first start of an assignment has none.
    pub(crate) rewind: Option<Rewind>,
    pub(crate) attempts: u32,
    pub(crate) retry_at: Option<Mono>,
    pub(crate) unauthorized_since: Option<Mono>,
}

/// A new term on the same assignment, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rewind {
    pub(crate) old: Term,
    /// The frontier when the old term ended, if it had one.
    pub(crate) from: Option<Position>,
    pub(crate) to: SeekTo,
    pub(crate) reason: SeekReason,
    /// Who waits for it.
    pub(crate) control: Option<ControlId>,
}

/// A seek that the client is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeking {
    pub(crate) rewind: Rewind,
    pub(crate) position: Position,
    pub(crate) effect: Option<crate::EffectId>,
    pub(crate) attempts: u32,
    pub(crate) retry_at: Option<Mono>,
}

/// Units in the order of delivery.
#[derive(Debug, Default)]
pub(crate) struct Units {
    queue: VecDeque<Unit>,
    /// The number of the front unit.
    base: u64,
    one_record_each: bool,
}

/// What one delivery carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    /// The number of its first record.
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// Records that did not end.
    pub(crate) left: u32,
    pub(crate) token: Token,
    pub(crate) bytes: u64,
    pub(crate) lane: Option<LaneKey>,
    /// The unit that waits behind it in its lane; zero for none, as unit 0 waits for nobody.
    pub(crate) next: u64,
    pub(crate) state: UnitState,
    /// When it was read, or started if it runs.
    pub(crate) since: Mono,
}

/// The life of a unit; it is terminal when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitState {
    /// Read; at-most-once: not yet covered by a commit.
    Buffered,
    /// Waits in its lane.
    Waiting,
    /// May start.
    Ready,
    /// Its handler runs.
    Running,
    /// Its handler failed, or gave up when it was cancelled.
    Failed,
    /// Every record of it ended or was skipped.
    Ended,
}

impl Partition {
    pub(crate) fn new(name: TopicPartition) -> Self {
        Self {
            name,
            assignment: None,
            commit: CommitSlot::default(),
            known_committed: None,
            topic_id: None,
        }
    }
}

impl Assignment {
    pub(crate) fn new(term: Term, stage: Stage, one_record_each: bool) -> Self {
        Self {
            term,
            stage,
            pauses: Pauses::default(),
            tracker: OffsetTracker::new(Position::new(0)),
            units: Units { one_record_each, ..Units::default() },
            ready: VecDeque::new(),
            in_round: false,
            running: 0,
            failing: BTreeMap::new(),
            started: 0,
            unstarted: 0,
            buffered_records: 0,
            buffered_bytes: 0,
            covering: 0,
            covering_position: Position::new(0),
            covering_ahead: 0,
            covering_unknown: false,
            covered: 0,
            ahead: 0,
            committed: None,
            committed_number: 0,
            dirty_since: None,
            cut: 0,
            pause_told: false,
            at_end: false,
            fenced_at: None,
            done_before: DoneRanges::default(),
            epochs: VecDeque::new(),
        }
    }

    /// Whether the start is known, so that the frontier means something.
    pub(crate) fn has_start(&self) -> bool {
        !matches!(self.stage, Stage::FindingStart(_) | Stage::Seeking(_))
    }

    /// Whether no reason to pause is left that the shell was told of.
    pub(crate) fn flows(&self) -> bool {
        self.pauses.is_empty() || (!self.pause_told && self.pauses.is_only(PauseReason::User))
    }

    /// The number from which on a drain drops what did not start. Below it the rest of what started
    /// lies, or what was committed ahead: left to the next owner, the one would be repeated and the
    /// other lost. The frontier cannot pass a failure, and in a pause or without the group's ear it
    /// cannot move at all.
    pub(crate) fn kept_by_drain(&self, guarantee: Guarantee) -> u64 {
        if guarantee == Guarantee::AtMostOnce {
            return self.covering;
        }
        if self.pauses.has(PauseReason::User) || self.fenced_at.is_some() {
            return 0;
        }
        let failed = self.units.iter().find(|(number, unit)| {
            unit.state == UnitState::Failed || self.failing.contains_key(number)
        });
        failed.map_or(self.started, |(_, unit)| unit.first.min(self.started))
    }

    /// The leader epoch of the record before the one with this number.
    pub(crate) fn epoch_below(&self, number: u64) -> Option<i32> {
        self.epochs.iter().rev().find(|(from, _)| *from < number).map(|(_, epoch)| *epoch)
    }

    /// Notes the epoch of records from this number on.
    pub(crate) fn note_epoch(&mut self, number: u64, epoch: i32) {
        if self.epochs.back().is_none_or(|(_, last)| *last != epoch) {
            let head = self.tracker.head();
            while self.epochs.get(1).is_some_and(|(from, _)| *from < head) {
                self.epochs.pop_front();
            }
            self.epochs.push_back((number, epoch));
        }
    }
}

impl Units {
    /// Adds a unit and returns its number.
    pub(crate) fn push(&mut self, unit: Unit) -> u64 {
        let number = self.next();
        self.queue.push_back(unit);
        number
    }

    /// The number that the next unit gets.
    pub(crate) fn next(&self) -> u64 {
        self.base + self.queue.len() as u64
    }

    /// The unit with this number, unless it ended and left the queue.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Unit> {
        self.queue.get_mut(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    /// The unit with this number.
    pub(crate) fn get(&self, number: u64) -> Option<&Unit> {
        self.queue.get(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    /// The number of the unit that holds the record with this number.
    pub(crate) fn of_record(&self, record: u64) -> Option<u64> {
        if self.one_record_each {
            return (record >= self.base).then_some(record);
        }
        let at = self.queue.partition_point(|unit| unit.first <= record).checked_sub(1)?;
        Some(self.base + at as u64)
    }

    /// The number of the oldest unit.
    pub(crate) fn first(&self) -> Option<u64> {
        (!self.queue.is_empty()).then_some(self.base)
    }

    /// Lets ended units go from the front.
    pub(crate) fn prune(&mut self) {
        while self.queue.front().is_some_and(|unit| unit.state == UnitState::Ended) {
            self.queue.pop_front();
            self.base += 1;
        }
    }

    /// All units with their numbers, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Unit)> {
        (self.base..).zip(&self.queue)
    }

    /// All units with their numbers, oldest first.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut Unit)> {
        (self.base..).zip(&mut self.queue)
    }
}

/// A delivery that outlived its term: it counts as in flight and keeps its lane until its handler
/// ends.
#[derive(Debug)]
pub(crate) struct Orphan {
    pub(crate) partition: crate::lane::PartitionIndex,
    pub(crate) lane: Option<LaneKey>,
    /// Records whose end was not reported.
    pub(crate) unfinished: Vec<Offset>,
}
