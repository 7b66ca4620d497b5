//! How far a group has come, added up from its histories.
//!
//! Faults are triggered by progress and a run is over when the group's committed positions have
//! reached the ends, both over all members and incarnations. These sums trigger and never judge:
//! whether anything was lost is for the judge and for the independent count.

use std::collections::{BTreeMap, HashSet};

use super::line::Line;

/// Sums over the lines seen so far.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    started: HashSet<(i32, i64)>,
    committed: BTreeMap<i32, i64>,
}

impl Progress {
    /// Counts a line in.
    pub fn see(&mut self, line: &Line) {
        match line.event.as_str() {
            "started" => {
                self.started.insert((line.partition, line.offset));
            }
            "start_known" => {
                if let Some(committed) = line.committed {
                    self.stored(line.partition, committed);
                }
            }
            "commit_ended" => {
                for result in line.results.iter().filter(|it| it.outcome == "done") {
                    self.stored(result.partition, result.position);
                }
            }
            _ => {}
        }
    }

    fn stored(&mut self, partition: i32, position: i64) {
        let highest = self.committed.entry(partition).or_default();
        *highest = position.max(*highest);
    }

    /// How many different records were started. Histories of one topic only.
    pub fn n_started(&self) -> usize {
        self.started.len()
    }

    /// Whether the committed positions have reached `ends`.
    pub fn has_reached(&self, ends: &BTreeMap<i32, i64>) -> bool {
        let reached = |partition: &i32| self.committed.get(partition).copied().unwrap_or(0);
        ends.iter().all(|(partition, end)| reached(partition) >= *end)
    }
}
