//! Where partitions start: facts, policies, and answers that are no answers.

use std::time::Duration;

use surefoot_core::*;

use super::harness::*;

#[track_caller]
fn started_at(h: &mut Harness) -> (i64, StartReason) {
    let found = h.take().into_iter().find_map(|output| match output {
        Output::StartFetching { position, reason, .. } => Some((position.get(), reason)),
        _ => None,
    });
    found.expect("a start")
}

fn with_policy(without_commit: StartAt, out_of_range: OutOfRange) -> EngineConfig {
    EngineConfig { start: StartPolicy { without_commit, out_of_range }, ..eager() }
}

#[test]
fn a_committed_offset_wins_over_every_policy() {
    let mut h = Harness::new(with_policy(StartAt::End, OutOfRange::End));
    h.assign(0, facts(Some(7), 10));
    assert_eq!(started_at(&mut h), (7, StartReason::Committed));
}

#[test]
fn row_026_an_error_is_asked_again_and_never_read_as_no_offset() {
    let mut h = Harness::new(with_policy(StartAt::End, OutOfRange::Fail));
    h.input(Input::Assigned(vec![p(0)]));
    let term = h.engine.term_of(&p(0)).unwrap();
    for outcome in [Outcome::Refused(Refusal::Unavailable), Outcome::Unknown] {
        h.take();
        h.input(Input::StartFound { term, outcome });
        assert!(h.take().is_empty());
        h.advance(Duration::from_secs(1));
        assert!(matches!(h.take()[..], [Output::FindStart { .. }]));
    }
    h.input(Input::StartFound { term, outcome: Outcome::Done(facts(Some(3), 10)) });
    assert_eq!(started_at(&mut h).0, 3);
}

#[test]
fn row_040_nothing_is_committed_before_the_start_is_known() {
    let mut h = Harness::new(eager());
    h.input(Input::Assigned(vec![p(0)]));
    h.control(Control::Commit(Vec::new()));
    h.input(Input::Revoked(vec![p(0)]));
    assert!(h.commits().is_empty());
    assert!(h.released());
}

#[test]
fn row_042_a_committed_offset_that_retention_passed_stops_the_consumer() {
    let mut h = Harness::new(eager());
    let facts = StartFacts { log_start: Position::new(9), ..facts(Some(4), 20) };
    h.assign(0, facts);
    let problem =
        StartProblem::BelowLogStart { committed: Position::new(4), log_start: Position::new(9) };
    let reason = StopReason::NoStart { partition: p(0), problem };
    assert_eq!(h.stopped().unwrap().reason, reason);
}

#[test]
fn row_042_by_policy_it_goes_on_and_says_what_was_missed() {
    let mut h = Harness::new(with_policy(StartAt::Fail, OutOfRange::Beginning));
    let facts = StartFacts { log_start: Position::new(9), ..facts(Some(4), 20) };
    let term = h.assign(0, facts);
    let missed = Output::Skipped {
        term,
        from: Position::new(4),
        to: Position::new(9),
        reason: SkipReason::Retention,
    };
    let outputs = h.take();
    assert!(outputs.contains(&missed), "{outputs:?}");
}

#[test]
fn row_043_a_log_that_ends_below_the_committed_offset_stops_the_consumer() {
    let mut h = Harness::new(eager());
    h.assign(0, facts(Some(30), 20));
    assert!(matches!(
        h.stopped().unwrap().reason,
        StopReason::NoStart { problem: StartProblem::AboveLogEnd { .. }, .. }
    ));
}

#[test]
fn row_045_a_committed_offset_that_vanished_is_not_a_first_start() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Done(()));
    h.input(Input::Revoked(vec![p(0)]));
    h.assign(0, facts(None, 10));
    assert!(matches!(
        h.stopped().unwrap().reason,
        StopReason::NoStart { problem: StartProblem::Vanished { .. }, .. }
    ));
}

#[test]
fn row_046_a_partition_that_was_added_later_begins_at_its_first_record() {
    let mut h = Harness::new(with_policy(StartAt::End, OutOfRange::Fail));
    h.assign(1, StartFacts { added_later: true, ..facts(None, 10) });
    assert_eq!(started_at(&mut h), (0, StartReason::NewPartition));
}

#[test]
fn row_049_a_topic_that_was_made_anew_stops_the_consumer() {
    let mut h = Harness::new(eager());
    h.assign(0, StartFacts { topic_id: Some([1; 16]), ..facts(Some(2), 10) });
    h.input(Input::Lost(vec![p(0)]));
    h.assign(0, StartFacts { topic_id: Some([2; 16]), ..facts(Some(2), 10) });
    assert!(matches!(
        h.stopped().unwrap().reason,
        StopReason::NoStart { problem: StartProblem::Recreated, .. }
    ));
}

#[test]
fn a_start_that_a_policy_chose_is_committed_before_anything_arrives() {
    let mut h = Harness::new(with_policy(StartAt::End, OutOfRange::Fail));
    h.assign(0, facts(None, 10));
    assert_eq!(h.commit().1, 10);
}

#[test]
fn imported_offsets_above_the_start_do_not_run_again() {
    let mut h = Harness::new(eager());
    let done_above = vec![(Offset::new(1), Offset::new(2))];
    let term = h.assign(0, StartFacts { done_above, ..facts(Some(0), 10) });
    h.fetch(term, &[(0, 1), (1, 2), (2, 3), (3, 4)]);
    assert_eq!(h.delivered(), [0, 3]);
    h.done(term, 0);
    assert_eq!(h.commit().1, 3);
}
