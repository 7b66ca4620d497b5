//! The tracker against a naive map, and the cases that have a name.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[test]
fn row_050_gap_left_by_compaction_does_not_block_commit() {
    check(&[(3, true), (1_000_000_000_003, true)], 1_000_000_000_004);
}

#[test]
fn slow_record_holds_back_faster_ones() {
    check(&[(0, true), (1, false), (2, true)], 1);
}

#[test]
fn nothing_delivered_keeps_the_start() {
    check(&[], 0);
}

#[test]
fn row_011_end_behind_trailing_markers_becomes_the_frontier() {
    let mut tracker = OffsetTracker::new(Position::new(5));
    tracker.deliver(Offset::new(5));
    tracker.reach(Position::new(9));
    assert_eq!(tracker.frontier(), Position::new(5));
    assert!(tracker.finish(Offset::new(5)));
    assert_eq!(tracker.frontier(), Position::new(9));
}

#[test]
fn second_completion_is_reported() {
    let mut tracker = OffsetTracker::new(Position::new(0));
    tracker.deliver(Offset::new(0));
    assert!(tracker.finish(Offset::new(0)));
    assert!(!tracker.finish(Offset::new(0)));
}

#[test]
#[should_panic(expected = "delivered out of order")]
fn repeated_offset_is_a_broken_promise() {
    let mut tracker = OffsetTracker::new(Position::new(4));
    tracker.deliver(Offset::new(4));
    tracker.deliver(Offset::new(4));
}

#[test]
fn row_051_imported_offset_that_was_compacted_away_is_forgotten() {
    let mut done = DoneRanges::new(Position::new(10), vec![(Offset::new(12), Offset::new(13))]);
    assert!(!done.take(Offset::new(11)));
    assert!(!done.take(Offset::new(20)));
    assert!(done.is_empty());
}

/// Delivers the offsets in order, finishes the marked ones last to first, and compares the
/// frontier: the order of completion must not matter.
#[track_caller]
fn check(records: &[(i64, bool)], frontier: i64) {
    let mut tracker = OffsetTracker::new(Position::new(0));
    for &(offset, _) in records {
        tracker.deliver(Offset::new(offset));
    }
    for &(offset, _) in records.iter().rev().filter(|(_, finished)| *finished) {
        assert!(tracker.finish(Offset::new(offset)));
    }
    assert_eq!(tracker.frontier(), Position::new(frontier));
}

#[derive(Clone, Debug)]
enum Step {
    Deliver { gap: i64 },
    Finish { pick: usize },
    FinishRange { pick: usize, len: u64 },
    Reach { gap: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let gap = prop_oneof![8 => Just(0i64), 1 => 1..5i64, 1 => Just(1_000_000_000i64)];
    prop_oneof![
        6 => gap.clone().prop_map(|gap| Step::Deliver { gap }),
        4 => any::<usize>().prop_map(|pick| Step::Finish { pick }),
        2 => (any::<usize>(), 1..200u64)
            .prop_map(|(pick, len)| Step::FinishRange { pick, len }),
        1 => gap.prop_map(|gap| Step::Reach { gap }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The naive model: a map of offsets to whether they are finished.
    #[test]
    fn row_082_agrees_with_a_map_of_offsets(steps in prop::collection::vec(step(), 1..600)) {
        let mut tracker = OffsetTracker::new(Position::new(7));
        let mut model = BTreeMap::new();
        let mut position = 7;
        for step in steps {
            match step {
                Step::Deliver { gap } => {
                    tracker.deliver(Offset::new(position + gap));
                    model.insert(position + gap, false);
                    position += gap + 1;
                }
                Step::Finish { pick } => {
                    let Some((&offset, done)) = nth(&mut model, pick) else { continue };
                    prop_assert_eq!(tracker.finish(Offset::new(offset)), !*done);
                    *done = true;
                }
                Step::FinishRange { pick, len } => {
                    let Some((&offset, _)) = nth(&mut model, pick) else { continue };
                    let Some(first) = tracker.number_of(Offset::new(offset)) else { continue };
                    let above = model.range_mut(offset..).take(len as usize);
                    let expected: Vec<_> = above.map(|(_, done)| done).collect();
                    let fresh = expected.iter().filter(|done| !***done).count();
                    prop_assert_eq!(tracker.finish_numbers(first, first + len), fresh as u64);
                    expected.into_iter().for_each(|done| *done = true);
                }
                Step::Reach { gap } => {
                    position += gap;
                    tracker.reach(Position::new(position));
                }
            }
            let unfinished = model.iter().find(|(_, done)| !**done).map(|(offset, _)| *offset);
            let frontier = unfinished.unwrap_or(position);
            prop_assert_eq!(tracker.frontier(), Position::new(frontier));
            let above: Vec<i64> = model
                .range(frontier..)
                .filter(|(_, done)| **done)
                .map(|(offset, _)| *offset)
                .collect();
            prop_assert_eq!(tracker.finished_above(), above.len() as u64);
            let exported = tracker.done_ranges().into_ranges();
            let exported: Vec<i64> =
                exported.iter().flat_map(|(first, last)| first.get()..=last.get()).collect();
            prop_assert_eq!(exported, above);
        }
    }
}

fn nth(model: &mut BTreeMap<i64, bool>, pick: usize) -> Option<(&i64, &mut bool)> {
    let len = model.len();
    model.iter_mut().nth(pick % len.max(1))
}
