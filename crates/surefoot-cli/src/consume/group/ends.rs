//! Whether a group has come to where the logs ended when the command started.
//!
//! A partition that this member holds is looked at in the consumer, whose frontier passes
//! transaction markers and compacted offsets that no record will ever come from. One that another
//! member holds counts by what the group committed. Between the two, while partitions change hands,
//! a partition counts as not there yet.

use std::time::Duration;

use surefoot::{Handle, Position, Snapshot, TopicPartition};

use crate::cluster::Partition;

/// Between two looks at the consumer.
const GLANCE: Duration = Duration::from_millis(50);
/// Between two questions to the coordinator.
const PAUSE: Duration = Duration::from_secs(1);

/// The ends of a topic's partitions at one time.
pub(super) struct Ends(Vec<End>);

struct End {
    partition: TopicPartition,
    end: Position,
    is_empty: bool,
}

/// What this member knows of the ends.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// A partition that it holds is not read to its end.
    Busy,
    /// All that it holds is; these are held by others, or by nobody.
    Elsewhere(Vec<(TopicPartition, Position)>),
}

impl Ends {
    pub(super) fn of(topic: &str, partitions: &[Partition]) -> Self {
        let end = |partition: &Partition| End {
            partition: TopicPartition::new(topic, partition.id),
            end: Position::new(partition.end),
            is_empty: partition.end <= partition.log_start,
        };
        Self(partitions.iter().map(end).collect())
    }

    /// Returns when the group got to all of them, or the consumer is over.
    pub(super) async fn reached(&self, handle: &Handle) {
        loop {
            let Ok(snapshot) = handle.snapshot().await else { return };
            let wait = match self.look(&snapshot) {
                Look::Busy => GLANCE,
                Look::Elsewhere(others) if others.is_empty() => return,
                Look::Elsewhere(others) => {
                    if has_committed(handle, &others).await {
                        return;
                    }
                    PAUSE
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn look(&self, snapshot: &Snapshot) -> Look {
        let mut others = Vec::new();
        for End { partition, end, is_empty } in &self.0 {
            match snapshot.partition(partition) {
                Some(held) if held.frontier.is_none_or(|frontier| frontier < *end) => {
                    return Look::Busy;
                }
                Some(_) => {}
                // Its holder may have nothing to commit. Before this member holds anything, that
                // would be an end before the beginning.
                None if *is_empty && !snapshot.partitions.is_empty() => {}
                None => others.push((partition.clone(), *end)),
            }
        }
        Look::Elsewhere(others)
    }
}

async fn has_committed(handle: &Handle, ends: &[(TopicPartition, Position)]) -> bool {
    let partitions = ends.iter().map(|(partition, _)| partition.clone());
    // No answer is asked for again; a group that may not be used ends the consumer itself.
    let Ok(committed) = handle.committed(partitions).await else { return false };
    ends.iter().all(|(partition, end)| {
        let found = committed.iter().find(|(of, _)| of == partition);
        found.and_then(|(_, position)| *position).is_some_and(|position| position >= *end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> Ends {
        let partition = |id, log_start, end| Partition { id, log_start, end };
        Ends::of("orders", &[partition(0, 0, 5), partition(1, 3, 3)])
    }

    #[test]
    fn a_member_without_partitions_asks_the_group_for_all_of_them() {
        let orders = |partition| TopicPartition::new("orders", partition);
        assert_eq!(
            ends().look(&Snapshot::default()),
            Look::Elsewhere(vec![(orders(0), Position::new(5)), (orders(1), Position::new(3))])
        );
    }
}
