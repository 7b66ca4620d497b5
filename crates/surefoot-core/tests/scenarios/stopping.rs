//! Coming to rest.

use std::time::Duration;

use surefoot_core::*;

use super::harness::*;

#[test]
fn row_109_a_stop_finishes_commits_and_is_clean() {
    let (mut h, term) = Harness::started(config(Guarantee::AtLeastOnce));
    h.fetch(term, &[(0, 1), (1, 1)]);
    h.input(Input::Stop { deadline: None });
    h.done(term, 0);
    let (commit, position) = h.commit();
    assert_eq!(position, 1);
    assert_eq!(h.stopped(), None);
    h.commit_ended(commit, Outcome::Done(()));
    let stopped = Stopped { reason: StopReason::Requested, unfinished: Vec::new() };
    assert_eq!(h.stopped(), Some(stopped));
}

#[test]
fn row_110_a_stop_before_the_first_assignment_is_prompt() {
    let mut h = Harness::new(eager());
    h.input(Input::Stop { deadline: None });
    assert!(h.stopped().is_some());
}

#[test]
fn row_112_a_stop_that_runs_out_of_time_names_what_is_unfinished() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.input(Input::Stop { deadline: Some(Duration::from_secs(4)) });
    h.advance(Duration::from_secs(4));
    let unfinished = h.stopped().unwrap().unfinished;
    assert_eq!(unfinished.len(), 1);
    assert_eq!((unfinished[0].running, unfinished[0].frontier), (1, Position::new(0)));
    assert!(h.commits().is_empty());
}

#[test]
fn row_109_a_stop_waits_for_handlers_of_terms_that_are_over() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.input(Input::Lost(vec![p(0)]));
    h.input(Input::Stop { deadline: None });
    assert!(h.stopped().is_none(), "its handler still runs");
    h.done(term, 0);
    assert_eq!(h.stopped().expect("nothing runs").unfinished, []);
}

#[test]
fn row_112_a_stop_names_handlers_of_terms_that_are_over() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 2)]);
    h.input(Input::Lost(vec![p(0)]));
    h.input(Input::Stop { deadline: None });
    h.advance(Duration::from_secs(30));
    let unfinished = h.stopped().expect("the deadline is over").unfinished;
    assert_eq!(unfinished.len(), 1);
    assert_eq!((&unfinished[0].partition, unfinished[0].running), (&p(0), 2));
}

#[test]
fn a_stop_during_a_revocation_that_cannot_be_settled_is_told_once() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    h.input(Input::Revoked(vec![p(0)]));
    h.advance(Duration::from_secs(1));
    h.input(Input::Stop { deadline: Some(Duration::from_secs(29)) });
    h.advance(Duration::from_secs(60));
    let stops = h.take().into_iter().filter(|output| matches!(output, Output::Stopped(_)));
    assert_eq!(stops.count(), 1);
}

#[test]
fn a_failure_while_the_consumer_stops_is_its_reason() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 2)]);
    h.done(term, 0);
    let (commit, _) = h.commit();
    h.input(Input::Stop { deadline: None });
    h.end(term, 1, HandlerOutcome::Failed);
    h.commit_ended(commit, Outcome::Done(()));
    let reason =
        StopReason::HandlerFailed { partition: p(0), offset: Offset::new(1), panicked: false };
    assert_eq!(h.stopped().expect("nothing is left").reason, reason);
}

#[test]
fn row_039_a_stop_whose_commit_is_never_answered_ends_at_its_deadline() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    h.input(Input::Stop { deadline: Some(Duration::from_secs(4)) });
    h.advance(Duration::from_millis(3_900));
    assert_eq!(h.stopped(), None);
    h.advance(Duration::from_millis(100));
    assert_eq!(h.stopped().unwrap().unfinished.len(), 1);
}

#[test]
fn an_abort_commits_nothing_more() {
    let (mut h, term) = Harness::started(config(Guarantee::AtLeastOnce));
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    h.input(Input::Abort);
    assert!(h.commits().is_empty());
    assert_eq!(h.stopped().unwrap().reason, StopReason::Aborted);
}

#[test]
fn a_failed_handler_stops_the_consumer_and_nothing_past_its_record_is_committed() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 2), (2, 2)]);
    h.end(term, 0, HandlerOutcome::Failed);
    h.done(term, 1);
    let reason =
        StopReason::HandlerFailed { partition: p(0), offset: Offset::new(0), panicked: false };
    assert_eq!(h.stopped().unwrap(), Stopped { reason, unfinished: Vec::new() });
    assert!(h.commits().is_empty());
    assert_eq!(h.delivered(), [0, 1], "nothing starts after the failure");
}

#[test]
fn row_041_a_permission_that_is_gone_for_long_stops_the_consumer() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    for _ in 0..20 {
        if let Some((commit, _)) = h.commits().pop() {
            h.commit_ended(commit, Outcome::Refused(Refusal::Unauthorized));
        }
        h.advance(Duration::from_secs(1));
    }
    assert!(matches!(
        h.stopped().map(|stopped| stopped.reason),
        Some(StopReason::Refused { refusal: Refusal::Unauthorized, .. })
    ));
}
