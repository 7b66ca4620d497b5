//! Partitions that come and go while work runs.

use std::num::NonZeroUsize;
use std::time::Duration;

use surefoot_core::*;

use super::harness::*;

#[test]
fn row_015_a_revoked_partition_commits_finished_work_before_its_release() {
    let (mut h, term) = Harness::started(config(Guarantee::AtLeastOnce));
    h.fetch(term, &[(0, 1), (1, 1)]);
    h.input(Input::Revoked(vec![p(0)]));
    assert!(!h.released(), "a handler runs");
    h.done(term, 0);
    let (commit, position) = h.commit();
    assert_eq!(position, 1);
    assert!(!h.released(), "its commit is not settled");
    h.commit_ended(commit, Outcome::Done(()));
    assert!(h.released());
    assert_eq!(h.delivered(), [0], "nothing new starts");
}

#[test]
fn row_016_an_answer_after_the_release_moves_nothing() {
    let (mut h, old) = Harness::started(eager());
    h.fetch(old, &[(0, 1)]);
    h.input(Input::Lost(vec![p(0)]));
    let term = h.assign(0, facts(None, 10));
    h.take();
    h.done(old, 0);
    assert!(h.commits().is_empty());
    h.fetch(term, &[(0, 1)]);
    assert_eq!(h.delivered(), [0], "the record runs again");
}

#[test]
fn drain_that_runs_out_of_time_commits_what_ended_and_releases() {
    let (mut h, term) = Harness::started(config(Guarantee::AtLeastOnce));
    h.fetch(term, &[(0, 1), (1, 2)]);
    h.done(term, 0);
    h.input(Input::Revoked(vec![p(0)]));
    let (commit, position) = h.commit();
    assert_eq!(position, 1);
    h.commit_ended(commit, Outcome::Done(()));
    h.advance(Duration::from_secs(27));
    assert!(!h.released());
    h.advance(Duration::from_secs(3));
    assert!(h.released());
    assert!(h.take().contains(&Output::Cancel { term }));
}

#[test]
fn a_drain_starts_what_lies_below_what_started_so_that_nothing_repeats() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 1), (2, 2), (3, 1)]);
    assert_eq!(h.delivered(), [0, 2]);
    h.done(term, 2);
    h.input(Input::Revoked(vec![p(0)]));
    h.done(term, 0);
    let (commit, position) = h.commit();
    assert_eq!(position, 1);
    h.commit_ended(commit, Outcome::Done(()));
    assert_eq!(h.delivered(), [1]);
    h.done(term, 1);
    let (commit, position) = h.commit();
    assert_eq!(position, 3);
    h.commit_ended(commit, Outcome::Done(()));
    assert!(h.released());
    assert!(h.delivered().is_empty(), "record 3 is the next owner's");
}

#[test]
fn a_drain_does_not_wait_for_what_lies_behind_a_failure() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 1), (2, 2)]);
    h.done(term, 2);
    h.input(Input::Revoked(vec![p(0)]));
    h.end(term, 0, HandlerOutcome::Failed);
    assert!(h.stopped().is_some());
    assert_eq!(h.delivered(), [0, 2]);
}

#[test]
fn a_failure_in_a_drain_ends_nothing_below_it() {
    let mut narrow = eager();
    narrow.budget.max_in_flight = NonZeroUsize::new(2).expect("not zero");
    let (mut h, term) = Harness::started(narrow);
    h.fetch(term, &[(0, 1), (1, 1), (2, 2), (3, 2)]);
    assert_eq!(h.delivered(), [0, 2]);
    h.input(Input::Revoked(vec![p(0)]));
    h.end(term, 2, HandlerOutcome::Failed);
    h.done(term, 0);
    assert_eq!(h.delivered(), [1], "the frontier can reach what failed");
}

#[test]
fn a_drain_starts_nothing_that_the_application_paused() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 1), (2, 2)]);
    h.done(term, 2);
    h.control(Control::Pause(vec![p(0)]));
    h.input(Input::Revoked(vec![p(0)]));
    h.done(term, 0);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Done(()));
    assert!(h.released());
    assert_eq!(h.delivered(), [0, 2]);
}

#[test]
fn batches_side_by_side_are_not_cut_short_by_a_drain() {
    let side_by_side = EngineConfig {
        delivery_unit: DeliveryUnit::Batch,
        processing_order: ProcessingOrder::Unordered,
        ..eager()
    };
    let (mut h, term) = Harness::started(side_by_side);
    h.fetch(term, &[(0, 1), (1, 1)]);
    h.fetch(term, &[(2, 1), (3, 1)]);
    h.input(Input::Revoked(vec![p(0)]));
    assert!(
        !h.take().contains(&Output::Cancel { term }),
        "one that gave up would repeat the other"
    );
}

#[test]
fn row_020_a_batch_that_gave_up_while_draining_leaves_no_lane_behind() {
    let batches = EngineConfig { delivery_unit: DeliveryUnit::Batch, ..eager() };
    let (mut h, old) = Harness::started(batches);
    h.fetch(old, &[(0, 1), (1, 1)]);
    h.input(Input::Revoked(vec![p(0)]));
    h.end_range(old, 0, 1, HandlerOutcome::Cancelled);
    assert!(h.released());
    let term = h.assign(0, facts(None, 10));
    h.delivered();
    h.fetch(term, &[(0, 1), (1, 1)]);
    assert_eq!(h.delivered(), [0], "the lane is free");
}

#[test]
fn the_end_behind_records_that_a_drain_dropped_is_not_committed() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.input(Input::Revoked(vec![p(0)]));
    h.fetch(term, &[(1, 1)]);
    h.input(Input::EndReached { term, position: Position::new(2) });
    h.done(term, 0);
    let (_, position) = h.commit();
    assert_eq!(position, 1, "record 1 was read, and nobody handles it");
}

#[test]
fn row_017_an_unsettled_commit_at_the_deadline_gives_the_client_up() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    let (commit, _) = h.commit();
    h.input(Input::Revoked(vec![p(0)]));
    h.advance(Duration::from_secs(29));
    assert!(!h.released());
    h.advance(Duration::from_secs(1));
    assert!(!h.released());
    assert!(h.take().contains(&Output::Renew));
    h.commit_ended(commit, Outcome::Done(()));
    assert!(h.take().is_empty());
}

#[test]
fn row_023_a_fenced_term_starts_and_commits_nothing_more() {
    let order = EngineConfig { processing_order: ProcessingOrder::Partition, ..eager() };
    let (mut h, term) = Harness::started(order);
    h.fetch(term, &[(0, 1), (1, 1), (2, 1)]);
    h.done(term, 0);
    assert_eq!(h.delivered(), [0, 1]);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Refused(Refusal::Fenced));
    h.done(term, 1);
    h.advance(Duration::from_secs(20));
    assert!(h.delivered().is_empty());
    assert!(h.commits().is_empty());
    h.input(Input::Lost(vec![p(0)]));
    assert!(h.released());
}

#[test]
fn row_024_a_commit_that_meets_a_rebalance_is_made_again_in_the_same_term() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Refused(Refusal::Rebalancing));
    assert!(h.commits().is_empty());
    h.advance(Duration::from_secs(1));
    let (commit, position) = h.commit();
    assert_eq!((commit.1, position), (term, 1));
}

#[test]
fn row_030_a_revoked_partition_leaves_the_others_alone() {
    let mut h = Harness::new(eager());
    let (a, b) = (h.assign(0, facts(None, 10)), h.assign(1, facts(None, 10)));
    h.fetch(a, &[(0, 1)]);
    h.input(Input::Revoked(vec![p(0)]));
    h.fetch(b, &[(0, 1), (1, 2)]);
    assert_eq!(h.delivered(), [0, 0, 1]);
}

#[test]
fn one_release_answers_a_revocation_of_several_partitions() {
    let mut h = Harness::new(eager());
    let (a, _) = (h.assign(0, facts(None, 10)), h.assign(1, facts(None, 10)));
    h.fetch(a, &[(0, 1)]);
    h.input(Input::Revoked(vec![p(0), p(1)]));
    assert!(!h.released());
    h.end(a, 0, HandlerOutcome::Cancelled);
    let released = h.take().into_iter().find_map(|output| match output {
        Output::Release(released) => Some(released.len()),
        _ => None,
    });
    assert_eq!(released, Some(2));
}

#[test]
fn row_035_pause_reasons_die_with_the_term() {
    let (mut h, _) = Harness::started(eager());
    h.control(Control::Pause(vec![p(0)]));
    h.input(Input::Revoked(vec![p(0)]));
    let term = h.assign(0, facts(None, 10));
    h.fetch(term, &[(0, 1)]);
    assert_eq!(h.delivered(), [0]);
}

#[test]
fn row_031_records_of_a_term_that_is_over_are_dropped() {
    let (mut h, old) = Harness::started(eager());
    h.input(Input::Revoked(vec![p(0)]));
    h.fetch(old, &[(0, 1)]);
    assert!(h.delivered().is_empty());
    assert!(h.take().contains(&Output::Discard(Token(0))));
}
