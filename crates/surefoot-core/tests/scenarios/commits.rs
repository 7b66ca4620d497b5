//! When the frontier is committed, and what an answer or its absence means.

use std::time::Duration;

use surefoot_core::*;

use super::harness::*;

#[test]
fn row_009_finished_records_behind_an_unfinished_one_are_not_committed() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 2), (2, 3)]);
    h.done(term, 2);
    h.done(term, 1);
    assert!(h.commits().is_empty());
    h.done(term, 0);
    assert_eq!(h.commit().1, 3);
}

#[test]
fn row_006_one_commit_of_a_partition_is_in_flight() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 2), (2, 3)]);
    h.done(term, 0);
    let (first, _) = h.commit();
    h.done(term, 1);
    h.advance(Duration::from_secs(60));
    assert!(h.commits().is_empty(), "the client may still send the first one");
    h.commit_ended(first, Outcome::Done(()));
    assert_eq!(h.commit().1, 2);
}

#[test]
fn row_007_a_commit_that_was_not_acknowledged_is_sent_again() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    let (first, _) = h.commit();
    h.commit_ended(first, Outcome::Unknown);
    h.advance(Duration::from_secs(1));
    let (second, position) = h.commit();
    assert_eq!(position, 1);
    h.commit_ended(second, Outcome::Refused(Refusal::Unavailable));
    h.advance(Duration::from_secs(1));
    assert_eq!(h.commit().1, 1);
}

#[test]
fn row_008_each_partition_of_a_commit_has_its_own_outcome() {
    let mut h = Harness::new(config(Guarantee::AtLeastOnce));
    let (a, b) = (h.assign(0, facts(None, 10)), h.assign(1, facts(None, 10)));
    h.fetch(a, &[(0, 1)]);
    h.fetch(b, &[(0, 1)]);
    h.done(a, 0);
    h.done(b, 0);
    h.advance(Duration::from_secs(1));
    let commits = h.commits();
    assert_eq!(commits.len(), 2);
    let effect = commits[0].0.0;
    assert_eq!(effect, commits[1].0.0, "one request for both");
    h.input(Input::EffectEnded {
        effect,
        outcomes: vec![(a, Outcome::Done(())), (b, Outcome::Refused(Refusal::Unavailable))],
    });
    h.advance(Duration::from_secs(5));
    let again = h.commits();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].0.1, b);
}

#[test]
fn row_011_the_end_behind_trailing_markers_is_committed() {
    let (mut h, term) = Harness::started(config(Guarantee::AtLeastOnce));
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    h.input(Input::EndReached { term, position: Position::new(7) });
    h.advance(Duration::from_secs(1));
    assert_eq!(h.commit().1, 7);
}

#[test]
fn a_number_of_records_commits_when_it_is_reached_or_nothing_more_comes() {
    let (mut h, term) = Harness::started(EngineConfig { commit: every_records(3), ..eager() });
    h.fetch(term, &[(0, 1), (1, 2), (2, 3), (3, 4)]);
    h.done(term, 0);
    h.done(term, 1);
    assert!(h.commits().is_empty());
    h.done(term, 2);
    let (commit, position) = h.commit();
    assert_eq!(position, 3);
    h.commit_ended(commit, Outcome::Done(()));
    h.done(term, 3);
    assert!(h.commits().is_empty());
    h.input(Input::EndReached { term, position: Position::new(4) });
    assert_eq!(h.commit().1, 4);
}

#[test]
fn row_118_commits_that_fail_for_long_pause_the_partition() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 2)]);
    h.done(term, 0);
    for _ in 0..400 {
        if let Some((commit, _)) = h.commits().pop() {
            h.commit_ended(commit, Outcome::Refused(Refusal::Unavailable));
        }
        h.advance(Duration::from_secs(1));
    }
    let paused = Output::Pause { term, reason: PauseReason::Uncommitted };
    assert!(h.take().contains(&paused));
}

#[test]
fn manual_commits_happen_when_asked_and_at_no_other_time() {
    let manual = EngineConfig { commit: CommitPolicy::Manual, ..config(Guarantee::AtLeastOnce) };
    let (mut h, term) = Harness::started(manual);
    h.fetch(term, &[(0, 1), (1, 2)]);
    h.done(term, 0);
    h.advance(Duration::from_secs(100));
    assert!(h.commits().is_empty());
    let asked = h.control(Control::Commit(Vec::new()));
    let (commit, position) = h.commit();
    assert_eq!(position, 1);
    h.commit_ended(commit, Outcome::Done(()));
    assert_eq!(h.answer(asked), Answer::Committed);
    h.done(term, 1);
    h.input(Input::Revoked(vec![p(0)]));
    assert!(h.commits().is_empty());
    assert!(h.released());
}

#[test]
fn row_118_what_is_paused_for_being_uncommitted_too_long_is_committed() {
    let mut many = EngineConfig { commit: every_records(100), ..config(Guarantee::AtLeastOnce) };
    many.budget.max_uncommitted_age = Duration::from_secs(5);
    let (mut h, old) = Harness::started(many);
    h.fetch(old, &[(0, 1)]);
    h.done(old, 0);
    h.control(Control::Commit(vec![p(0)]));
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Unknown);
    h.input(Input::Lost(vec![p(0)]));
    let term = h.assign(0, facts(None, 10));
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    h.advance(Duration::from_secs(6));
    assert_eq!(h.commit().1, 1, "nothing more is read that could complete the number");
}
