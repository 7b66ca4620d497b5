//! Where the logs end, as far as this consumer saw.
//!
//! A consumer that reads committed records only can go no further than the last stable offset, and
//! the client's own figure is the high watermark. A lag computed from that never reaches zero
//! while a transaction is open, and is wrong by the whole transaction. So the end is what a lookup
//! under the consumer's own isolation said last, or the end that reading itself ran into, whichever
//! lies further.

use std::collections::BTreeMap;
use std::time::Duration;

use surefoot_core::{Mono, Position, TopicPartition};

/// How old a looked-up end may be before a snapshot asks again. A guess: people look once a
/// second, and metrics every ten.
const REFRESH_AFTER: Duration = Duration::from_secs(1);

/// The ends of the partitions that are held.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    ends: BTreeMap<TopicPartition, Position>,
    asked_at: Option<Mono>,
}

impl Ends {
    /// The end is at least here: it was looked up, or reading came this far.
    ///
    /// It falls only with [`Ends::forget`]: an answer that was overtaken says less than is known.
    pub(crate) fn saw(&mut self, partition: &TopicPartition, end: Position) {
        match self.ends.get_mut(partition) {
            Some(known) => *known = end.max(*known),
            None => {
                self.ends.insert(partition.clone(), end);
            }
        }
    }

    /// The partition is no longer held.
    pub(crate) fn forget(&mut self, partition: &TopicPartition) {
        self.ends.remove(partition);
    }

    /// The end as it was seen last.
    pub(crate) fn of(&self, partition: &TopicPartition) -> Option<Position> {
        self.ends.get(partition).copied()
    }

    /// Whether the ends should be looked up again; if so, that is under way from now on.
    pub(crate) fn wants_refresh(&mut self, now: Mono) -> bool {
        let stale = self.asked_at.is_none_or(|asked| now.since(asked) >= REFRESH_AFTER);
        if stale {
            self.asked_at = Some(now);
        }
        stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_reading_passed_is_not_taken_back_by_an_older_answer() {
        let mut ends = Ends::default();
        let partition = TopicPartition::new("orders", 3);
        ends.saw(&partition, Position::new(10));
        ends.saw(&partition, Position::new(7));
        assert_eq!(ends.of(&partition), Some(Position::new(10)));
        ends.forget(&partition);
        assert_eq!(ends.of(&partition), None);
    }

    #[test]
    fn ends_are_asked_for_once_a_second_at_most() {
        let mut ends = Ends::default();
        let at = |millis| Mono(Duration::from_millis(millis));
        assert!(ends.wants_refresh(at(0)));
        assert!(!ends.wants_refresh(at(999)));
        assert!(ends.wants_refresh(at(1000)));
    }
}
