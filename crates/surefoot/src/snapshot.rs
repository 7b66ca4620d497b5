//! What a consumer holds right now, for people and for metrics.
//!
//! The engine knows what was delivered, finished and committed; only the client knows where the log
//! ends. A snapshot joins the two, so that one value answers both questions of a stuck group: how
//! far behind is it, and which record holds the commit back. It is a copy; nothing in it moves.

use std::fmt;
use std::time::Duration;

use surefoot_core::{
    Counters, HeadOfLine, HeadState, PauseReason, Phase, Position, Term, TopicPartition,
};

/// A copy of a consumer's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The partitions that this consumer holds, in order.
    pub partitions: Vec<PartitionSnapshot>,
    /// Handler calls that run; a batch is one.
    pub in_flight: usize,
    /// Records that were read and did not end.
    pub buffered_records: u64,
    /// Their bytes.
    pub buffered_bytes: u64,
    /// What happened since the consumer was started.
    pub counters: Counters,
    /// Whether the consumer is stopping.
    pub stopping: bool,
}

/// One partition of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionSnapshot {
    /// The partition.
    pub partition: TopicPartition,
    /// The term under which it is held.
    pub term: Term,
    /// What it is doing.
    pub phase: Phase,
    /// The position that the group is known to store; `None` if it stores none yet.
    pub committed: Option<Position>,
    /// The position that may be committed; `None` before the start is known.
    pub frontier: Option<Position>,
    /// The next offset to read; `None` before the start is known.
    pub position: Option<Position>,
    /// The end of the log as the client last saw it: the last stable offset under read committed,
    /// the high watermark otherwise. `None` before the first answer.
    pub end: Option<Position>,
    /// Handler calls of this term that run.
    pub in_flight: u64,
    /// Records that were read, and neither run nor ended.
    pub buffered: u64,
    /// Records above the frontier that are finished, and would be repeated after a crash.
    pub finished_above_frontier: u64,
    /// Why it does not flow; empty if it does.
    pub paused: Vec<PauseReason>,
    /// The record that keeps the frontier where it is; `None` when nothing is unfinished.
    pub head_of_line: Option<HeadOfLine>,
    /// How long the commit in flight has been unanswered.
    pub commit_unanswered_for: Option<Duration>,
    /// The commits that failed in a row.
    pub commit_failures: u32,
}

impl Snapshot {
    /// Joins what the engine knows with the ends of the logs.
    pub(crate) fn new(
        engine: surefoot_core::Snapshot,
        end_of: impl Fn(&TopicPartition) -> Option<Position>,
    ) -> Self {
        let partitions = engine
            .partitions
            .into_iter()
            .map(|held| PartitionSnapshot {
                end: end_of(&held.partition),
                partition: held.partition,
                term: held.term,
                phase: held.phase,
                committed: held.committed,
                frontier: held.frontier,
                position: held.position,
                in_flight: held.in_flight,
                buffered: held.buffered,
                finished_above_frontier: held.finished_above_frontier,
                paused: held.paused,
                head_of_line: held.head_of_line,
                commit_unanswered_for: held.commit_unanswered_for,
                commit_failures: held.commit_failures,
            })
            .collect();
        Self {
            partitions,
            in_flight: engine.in_flight,
            buffered_records: engine.buffered_records,
            buffered_bytes: engine.buffered_bytes,
            counters: engine.counters,
            stopping: engine.stopping,
        }
    }

    /// The partition's part, if this consumer holds it.
    pub fn partition(&self, partition: &TopicPartition) -> Option<&PartitionSnapshot> {
        self.partitions.iter().find(|held| held.partition == *partition)
    }

    /// The lag of all partitions whose lag is known, added up.
    pub fn lag(&self) -> u64 {
        self.partitions.iter().filter_map(PartitionSnapshot::lag).sum()
    }
}

impl PartitionSnapshot {
    /// Offsets between what is committed (or, with nothing committed, the frontier) and the end of
    /// the log. `None` while either is unknown.
    ///
    /// It counts offsets, as Kafka's own tools do: gaps left by compaction and transaction markers
    /// count until they are passed.
    pub fn lag(&self) -> Option<u64> {
        let done = self.committed.or(self.frontier)?;
        let lag = self.end?.get().saturating_sub(done.get());
        Some(u64::try_from(lag).unwrap_or(0))
    }
}

/// One line a partition: lag, and what holds it back.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (line, partition) in self.partitions.iter().enumerate() {
            if line > 0 {
                f.write_str("\n")?;
            }
            partition.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for PartitionSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: lag ", self.partition)?;
        match self.lag() {
            Some(lag) => write!(f, "{lag}")?,
            None => f.write_str("unknown")?,
        }
        write!(f, ", committed {}", Known(self.committed))?;
        write!(f, ", frontier {}", Known(self.frontier))?;
        write!(f, ", position {}", Known(self.position))?;
        write!(f, ", {} in flight, {} buffered", self.in_flight, self.buffered)?;
        if let Some(head) = &self.head_of_line {
            let state = match head.state {
                HeadState::Buffered => "buffered",
                HeadState::BehindOldTerm => "behind an earlier term's record",
                HeadState::Running { .. } => "running",
                HeadState::Failed => "failed",
            };
            write!(f, ", held back by @{}, {state} for {:.1?}", head.offset, head.for_time)?;
        }
        Ok(())
    }
}

/// A position, or a dash while it is unknown.
struct Known(Option<Position>);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(position) => position.fmt(f),
            None => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use surefoot_core::{FIRST_ATTEMPT, Offset};

    use super::*;

    #[test]
    fn lag_counts_from_the_committed_position_to_the_end() {
        assert_eq!(held(Some(40), Some(42), Some(100)).lag(), Some(60));
    }

    #[test]
    fn lag_without_a_commit_counts_from_the_frontier() {
        assert_eq!(held(None, Some(42), Some(100)).lag(), Some(58));
    }

    #[test]
    fn lag_is_unknown_until_the_end_is_and_never_negative() {
        assert_eq!(held(Some(40), Some(40), None).lag(), None);
        assert_eq!(held(Some(40), Some(40), Some(39)).lag(), Some(0));
    }

    #[test]
    fn a_line_names_the_record_that_holds_the_commit_back() {
        insta::assert_snapshot!(
            held(Some(40), Some(42), Some(100)),
            @"orders[3]: lag 60, committed 40, frontier 42, position 90, 2 in flight, 5 buffered, \
              held back by @42, running for 7.0s"
        );
    }

    fn held(committed: Option<i64>, frontier: Option<i64>, end: Option<i64>) -> PartitionSnapshot {
        PartitionSnapshot {
            partition: TopicPartition::new("orders", 3),
            term: Term::new(1),
            phase: Phase::Active,
            committed: committed.map(Position::new),
            frontier: frontier.map(Position::new),
            position: Some(Position::new(90)),
            end: end.map(Position::new),
            in_flight: 2,
            buffered: 5,
            finished_above_frontier: 0,
            paused: Vec::new(),
            head_of_line: Some(HeadOfLine {
                offset: Offset::new(42),
                state: HeadState::Running { attempt: FIRST_ATTEMPT },
                for_time: Duration::from_secs(7),
            }),
            commit_unanswered_for: None,
            commit_failures: 0,
        }
    }
}
