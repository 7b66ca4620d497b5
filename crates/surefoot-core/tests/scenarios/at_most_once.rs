//! At-most-once: the commit comes first, and only its acknowledgement starts a record.

use std::num::NonZeroUsize;
use std::time::Duration;

use surefoot_core::*;

use super::harness::*;

fn window(records: u32) -> EngineConfig {
    EngineConfig { commit: every_records(records), ..config(Guarantee::AtMostOnce) }
}

#[test]
fn a_record_starts_when_the_commit_that_covers_it_is_acknowledged() {
    let (mut h, term) = Harness::started(window(1));
    h.fetch(term, &[(0, 1), (1, 2)]);
    let (commit, position) = h.commit();
    assert_eq!(position, 1);
    assert!(h.delivered().is_empty());
    h.commit_ended(commit, Outcome::Done(()));
    assert_eq!(h.delivered(), [0]);
    assert!(h.commits().is_empty(), "the window holds one record");
    h.done(term, 0);
    assert_eq!(h.commit().1, 2);
}

#[test]
fn row_005_an_unknown_commit_is_sent_again_as_it_was_and_starts_nothing() {
    let (mut h, term) = Harness::started(window(2));
    h.fetch(term, &[(0, 1), (1, 2), (2, 3)]);
    let (commit, position) = h.commit();
    assert_eq!(position, 2);
    h.commit_ended(commit, Outcome::Unknown);
    h.advance(Duration::from_secs(1));
    let (again, position) = h.commit();
    assert_eq!(position, 2);
    assert!(h.delivered().is_empty());
    h.commit_ended(again, Outcome::Done(()));
    assert_eq!(h.delivered(), [0, 1]);
}

#[test]
fn row_005_a_refusal_after_an_unknown_outcome_settles_nothing() {
    let mut h = Harness::new(window(2));
    let (a, b) = (h.assign(0, facts(None, 10)), h.assign(1, facts(None, 10)));
    h.fetch(a, &[(0, 1), (1, 2)]);
    let (commit, _) = h.commit();
    h.fetch(b, &[(0, 1), (1, 2)]);
    h.commit_ended(commit, Outcome::Unknown);
    h.advance(Duration::from_secs(1));
    let (again, _) = h.commit();
    h.commit_ended(again, Outcome::Refused(Refusal::Rebalancing));
    assert!(h.commits().is_empty(), "the first may have been stored: its records fill the window");
    h.advance(Duration::from_secs(1));
    let (third, position) = h.commit();
    assert_eq!((third.1, position), (a, 2));
    h.commit_ended(third, Outcome::Done(()));
    assert_eq!(h.delivered(), [0, 1]);
}

#[test]
fn a_drain_that_runs_out_of_time_gives_nothing_of_the_window_away() {
    let mut h = Harness::new(window(1));
    let (a, b) = (h.assign(0, facts(None, 10)), h.assign(1, facts(None, 10)));
    h.fetch(a, &[(0, 1)]);
    h.fetch(b, &[(0, 1)]);
    let (commit, _) = h.commit();
    assert_eq!(commit.1, a);
    h.input(Input::Revoked(vec![p(0)]));
    h.advance(Duration::from_secs(29));
    h.fetch(b, &[(1, 1)]);
    assert!(h.commits().is_empty(), "the commit of partition 0 may have been stored");
    h.commit_ended(commit, Outcome::Unknown);
    assert!(h.released());
    assert_eq!(h.commit().0.1, b);
}

#[test]
fn commit_at_over_what_is_being_committed_ahead_reaches_its_position() {
    let (mut h, term) = Harness::started(window(1));
    h.fetch(term, &[(0, 1), (1, 1), (2, 1)]);
    let (commit, _) = h.commit();
    let asked = h.control(Control::CommitAt(vec![(p(0), Position::new(3))]));
    h.commit_ended(commit, Outcome::Done(()));
    let (commit, position) = h.commit();
    assert_eq!(position, 3);
    h.commit_ended(commit, Outcome::Done(()));
    assert_eq!(h.answer(asked), Answer::Committed);
    assert!(h.delivered().is_empty());
}

#[test]
fn the_window_stays_taken_until_the_whole_revocation_is_answered() {
    let mut h = Harness::new(window(2));
    let terms: Vec<_> = (0..3).map(|partition| h.assign(partition, facts(None, 10))).collect();
    h.fetch(terms[0], &[(0, 1)]);
    h.fetch(terms[1], &[(0, 1)]);
    let commits = h.commits();
    h.fetch(terms[2], &[(0, 1)]);
    h.input(Input::Revoked(vec![p(0), p(1)]));
    h.advance(Duration::from_secs(29));
    h.commit_ended(commits[0].0, Outcome::Done(()));
    h.fetch(terms[2], &[(1, 1)]);
    assert!(h.commits().is_empty(), "a crash now would lose three");
    h.commit_ended(commits[1].0, Outcome::Done(()));
    assert!(h.released());
    assert_eq!(h.commit().1, 2);
}

#[test]
fn the_window_is_one_for_all_partitions() {
    let mut h = Harness::new(window(3));
    let (a, b) = (h.assign(0, facts(None, 10)), h.assign(1, facts(None, 10)));
    h.fetch(a, &[(0, 1), (1, 2)]);
    h.fetch(b, &[(0, 1), (1, 2)]);
    let positions: Vec<_> = h.commits().iter().map(|commit| commit.1).collect();
    assert_eq!(positions, [2, 1]);
}

#[test]
fn row_017_a_commit_that_is_not_acknowledged_before_the_release_starts_nothing() {
    let (mut h, term) = Harness::started(window(1));
    h.fetch(term, &[(0, 1)]);
    let (commit, _) = h.commit();
    h.input(Input::Revoked(vec![p(0)]));
    assert!(!h.released());
    h.commit_ended(commit, Outcome::Refused(Refusal::Fenced));
    assert!(h.released());
    assert!(h.delivered().is_empty());
}

#[test]
fn what_was_committed_ahead_still_runs_while_the_partition_drains() {
    let order = EngineConfig { processing_order: ProcessingOrder::Partition, ..window(2) };
    let (mut h, term) = Harness::started(order);
    h.fetch(term, &[(0, 1), (1, 2), (2, 3)]);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Done(()));
    h.input(Input::Revoked(vec![p(0)]));
    h.done(term, 0);
    assert!(!h.released());
    h.done(term, 1);
    assert_eq!(h.delivered(), [0, 1]);
    assert!(h.released());
    assert!(h.commits().is_empty());
}

#[test]
fn row_023_a_commit_of_an_earlier_term_starts_nothing_in_the_next() {
    let (mut h, old) = Harness::started(window(1));
    h.fetch(old, &[(0, 1)]);
    let (commit, _) = h.commit();
    h.control(Control::Seek(p(0), SeekTo::Position(Position::new(0))));
    h.commit_ended(commit, Outcome::Done(()));
    assert!(h.delivered().is_empty());
}

#[test]
fn a_pause_takes_effect_when_what_was_committed_ahead_has_started() {
    let order = EngineConfig { processing_order: ProcessingOrder::Partition, ..window(2) };
    let (mut h, term) = Harness::started(order);
    h.fetch(term, &[(0, 1), (1, 2), (2, 3)]);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Done(()));
    h.control(Control::Pause(vec![p(0)]));
    let paused = Output::Pause { term, reason: PauseReason::User };
    assert!(!h.take().contains(&paused));
    h.done(term, 0);
    assert_eq!(h.delivered(), [1]);
    assert!(h.take().contains(&paused));
    h.done(term, 1);
    assert!(h.commits().is_empty());
    h.control(Control::Resume(vec![p(0)]));
    assert_eq!(h.commit().1, 3);
}

#[test]
fn row_035_a_pause_that_was_undone_before_it_took_effect_stops_no_reading() {
    let mut small = EngineConfig { processing_order: ProcessingOrder::Partition, ..window(2) };
    small.budget.max_buffered_records = NonZeroUsize::new(2).expect("not zero");
    let (mut h, term) = Harness::started(small);
    h.fetch(term, &[(0, 1), (1, 1)]);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Done(()));
    h.take();
    h.control(Control::Pause(vec![p(0)]));
    h.done(term, 0);
    h.control(Control::Resume(vec![p(0)]));
    let reason = PauseReason::Backpressure;
    assert!(h.take().contains(&Output::Resume { term, reason, flowing: true }));
}

#[test]
fn contradictions_are_refused_with_the_reason() {
    let manual = EngineConfig { commit: CommitPolicy::Manual, ..window(1) };
    assert_eq!(Engine::new(manual).unwrap_err(), ConfigError::ManualUnderAtMostOnce);
    let every = Some(Duration::from_secs(1));
    let interval =
        EngineConfig { commit: CommitPolicy::Auto { every_records: None, every }, ..window(1) };
    assert_eq!(Engine::new(interval).unwrap_err(), ConfigError::IntervalUnderAtMostOnce);
}

#[test]
fn a_refused_commit_keeps_its_place_in_the_window() {
    let mut h = Harness::new(window(1));
    let (a, b) = (h.assign(0, facts(None, 10)), h.assign(1, facts(None, 10)));
    h.fetch(a, &[(0, 1)]);
    let (commit, _) = h.commit();
    h.fetch(b, &[(0, 1)]);
    h.commit_ended(commit, Outcome::Refused(Refusal::Unavailable));
    assert!(h.commits().is_empty());
    h.advance(Duration::from_secs(10));
    let (commit, _) = h.commit();
    assert_eq!(commit.1, a);
    h.commit_ended(commit, Outcome::Done(()));
    h.done(a, 0);
    assert_eq!(h.commit().0.1, b);
}

#[test]
fn a_refusal_does_not_undo_an_unknown_outcome_of_the_same_commit() {
    let mut h = Harness::new(window(1));
    let (a, b) = (h.assign(0, facts(None, 10)), h.assign(1, facts(None, 10)));
    h.fetch(a, &[(0, 1)]);
    let (commit, _) = h.commit();
    h.fetch(b, &[(0, 1)]);
    h.commit_ended(commit, Outcome::Unknown);
    h.advance(Duration::from_secs(1));
    let (again, _) = h.commit();
    h.commit_ended(again, Outcome::Refused(Refusal::Unavailable));
    assert!(h.commits().is_empty(), "the window may be used up by what the first one stored");
    h.advance(Duration::from_secs(1));
    let (again, position) = h.commit();
    assert_eq!((again.1, position), (a, 1));
}

#[test]
fn a_stop_names_what_was_covered_by_a_commit_without_an_answer() {
    let (mut h, term) = Harness::started(window(1));
    h.fetch(term, &[(0, 1)]);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Unknown);
    h.input(Input::Stop { deadline: Some(Duration::from_secs(4)) });
    h.advance(Duration::from_secs(4));
    let unfinished = h.stopped().unwrap().unfinished;
    assert_eq!((unfinished.len(), unfinished[0].running), (1, 1));
}
