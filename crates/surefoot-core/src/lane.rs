//! Lanes: which records wait for which.
//!
//! Records of one lane run one at a time in offset order. A lane belongs to a partition and a key,
//! not to a term: a handler that still runs under a term that is over occupies its key, and the
//! same key's records under the next term wait until it ends. Waiting records form a list through
//! the units that hold them, so that a record costs no allocation here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::{KeyHash, Offset};

/// Names a partition within one engine; never reused for another.
pub(crate) type PartitionIndex = u32;

/// What a record is ordered by within its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LaneKey {
    kind: LaneKind,
    value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum LaneKind {
    Whole,
    Key,
    Record,
}

impl LaneKey {
    /// The whole partition.
    pub(crate) const WHOLE: Self = Self { kind: LaneKind::Whole, value: 0 };

    /// All records with this key's hash.
    pub(crate) fn key(hash: KeyHash) -> Self {
        Self { kind: LaneKind::Key, value: hash.0 }
    }

    /// One record, which waits for nobody but an earlier run of itself.
    pub(crate) fn record(offset: Offset) -> Self {
        Self { kind: LaneKind::Record, value: offset.get() as u64 }
    }
}

/// One lane in use: a delivery of it runs, or failed and keeps the lane for good.
#[derive(Clone, Copy, Debug)]
struct Lane {
    /// First and last unit that wait, of the partition's current term.
    waiting: Option<(u64, u64)>,
}

/// The lanes in use; a lane without a running or waiting record does not exist.
#[derive(Debug, Default)]
pub(crate) struct LaneTable {
    // Never iterated: the order of a map must not reach an output.
    lanes: HashMap<LaneId, Lane, BuildHasherDefault<LaneHasher>>,
}

/// A lane's name in two words, because every record looks its lane up twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LaneId {
    place: u64,
    value: u64,
}

impl LaneId {
    fn new((partition, LaneKey { kind, value }): (PartitionIndex, LaneKey)) -> Self {
        Self { place: u64::from(partition) << 8 | kind as u64, value }
    }
}

impl Hash for LaneId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.value ^ self.place.rotate_right(24));
    }
}

/// What joining a lane leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// Nobody is ahead: the unit may start.
    Free,
    /// The unit waits behind this one, which must remember it.
    Behind(u64),
    /// The unit is the first to wait; a unit of an earlier term runs.
    BehindOldTerm,
}

impl LaneTable {
    /// Puts a unit at the end of its lane.
    pub(crate) fn join(&mut self, at: (PartitionIndex, LaneKey), unit: u64) -> Joined {
        let mut lane = match self.lanes.entry(LaneId::new(at)) {
            Entry::Occupied(lane) => lane,
            Entry::Vacant(place) => {
                place.insert(Lane { waiting: None });
                return Joined::Free;
            }
        };
        match &mut lane.get_mut().waiting {
            Some((_, last)) => Joined::Behind(std::mem::replace(last, unit)),
            waiting @ None => {
                *waiting = Some((unit, unit));
                Joined::BehindOldTerm
            }
        }
    }

    /// Whether anything runs or waits in this lane.
    pub(crate) fn is_used(&self, at: (PartitionIndex, LaneKey)) -> bool {
        self.lanes.contains_key(&LaneId::new(at))
    }

    /// Ends the run that keeps the lane and returns the unit whose turn it is. `next` tells which
    /// unit waits behind a unit.
    pub(crate) fn leave(
        &mut self,
        at: (PartitionIndex, LaneKey),
        next: impl FnOnce(u64) -> Option<u64>,
    ) -> Option<u64> {
        let Entry::Occupied(mut lane) = self.lanes.entry(LaneId::new(at)) else {
            return None;
        };
        let Some((first, last)) = lane.get().waiting else {
            lane.remove();
            return None;
        };
        lane.get_mut().waiting = next(first).map(|second| (second, last));
        Some(first)
    }

    /// Forgets the units that wait in this lane from unit `from` on. Where others wait ahead of
    /// them, [`LaneTable::end_waiting_at`] says which of these is the last.
    pub(crate) fn forget_waiting(&mut self, at: (PartitionIndex, LaneKey), from: u64) {
        if let Some(lane) = self.lanes.get_mut(&LaneId::new(at)) {
            lane.waiting = lane.waiting.filter(|(first, _)| *first < from);
        }
    }

    /// Makes this unit the last that waits in its lane.
    pub(crate) fn end_waiting_at(&mut self, at: (PartitionIndex, LaneKey), unit: u64) {
        if let Some(Lane { waiting: Some((_, last)) }) = self.lanes.get_mut(&LaneId::new(at)) {
            *last = unit;
        }
    }

    /// Frees a lane whose holder never started, or will never end.
    pub(crate) fn free(&mut self, at: (PartitionIndex, LaneKey)) {
        self.lanes.remove(&LaneId::new(at));
    }
}

/// Keys are hashes already, so folding and one multiplication spread them well enough.
#[derive(Default)]
pub(crate) struct LaneHasher(u64);

impl Hasher for LaneHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        // The odd constant is 2^64 divided by the golden ratio, as in Fibonacci hashing.
        self.0 = (self.0.rotate_left(26) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
