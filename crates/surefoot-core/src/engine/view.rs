//! A copy of the state for people: who holds the frontier back.

use crate::assignment::{Assignment, Partition, Stage, UnitState};
use crate::engine::Engine;
use crate::{FIRST_ATTEMPT, HeadOfLine, HeadState, Mono, Now, PartitionSnapshot, Phase, Snapshot};

impl Engine {
    /// A copy of what the engine holds.
    pub fn snapshot(&self, now: Now) -> Snapshot {
        let mut partitions: Vec<_> =
            self.partitions.iter().filter_map(|partition| view(partition, now.mono)).collect();
        partitions.sort_by(|a, b| a.partition.cmp(&b.partition));
        let held = || self.partitions.iter().filter_map(|partition| partition.assignment.as_ref());
        Snapshot {
            partitions,
            in_flight: self.running + self.orphans.len(),
            buffered_records: held().map(|held| held.buffered_records).sum(),
            buffered_bytes: held().map(|held| held.buffered_bytes).sum(),
            counters: self.counters,
            stopping: self.stopping.is_some() || self.stopped,
        }
    }
}

fn view(partition: &Partition, now: Mono) -> Option<PartitionSnapshot> {
    let held = partition.assignment.as_ref()?;
    let started = held.has_start();
    let in_flight = held.running as u64;
    let unanswered = partition.commit.in_flight.as_ref();
    Some(PartitionSnapshot {
        partition: partition.name.clone(),
        term: held.term,
        phase: phase(&held.stage),
        committed: partition.known_committed,
        frontier: started.then(|| held.tracker.frontier()),
        position: started.then(|| held.tracker.position()),
        in_flight,
        buffered: held.buffered_records - running_records(held),
        finished_above_frontier: held.tracker.finished_above(),
        paused: held.pauses.reasons(),
        head_of_line: head_of_line(held, now),
        commit_unanswered_for: unanswered.map(|commit| now.since(commit.sent_at)),
        commit_failures: partition.commit.failures,
    })
}

fn phase(stage: &Stage) -> Phase {
    match stage {
        Stage::FindingStart(_) => Phase::FindingStart,
        Stage::Seeking(_) => Phase::Seeking,
        Stage::Active => Phase::Active,
        Stage::Failed => Phase::Failed,
        Stage::Draining | Stage::Cut => Phase::Draining,
        Stage::Lost => Phase::Lost,
    }
}

fn running_records(held: &Assignment) -> u64 {
    let running = held.units.iter().filter(|(_, unit)| unit.state == UnitState::Running);
    running.map(|(_, unit)| u64::from(unit.left)).sum()
}

fn head_of_line(held: &Assignment, now: Mono) -> Option<HeadOfLine> {
    let number = held.tracker.head();
    if number == held.tracker.end() {
        return None;
    }
    let unit = held.units.get(held.units.of_record(number)?)?;
    let state = match unit.state {
        UnitState::Running => HeadState::Running { attempt: FIRST_ATTEMPT },
        UnitState::Failed => HeadState::Failed,
        // The head is the first of its term, so whoever it waits for is not of this term.
        UnitState::Waiting => HeadState::BehindOldTerm,
        UnitState::Buffered | UnitState::Ready | UnitState::Ended => HeadState::Buffered,
    };
    let for_time = now.since(unit.since);
    Some(HeadOfLine { offset: held.tracker.offset_of(number), state, for_time })
}
