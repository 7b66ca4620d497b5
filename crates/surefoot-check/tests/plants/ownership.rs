//! Plants for P5, P6, P12, P13: work for a partition that is gone, beyond a limit, or through a
//! pause.

use surefoot_check::Predicate::*;
use surefoot_check::history::*;

use super::scene::{Scene, topic};

#[test]
fn p5_a_start_after_the_loss() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).committed(a, 1, 1).ownership(a, 1, Event::Lost).handled(a, 1, [1]);
    scene.breaks(&[P5]);
}

#[test]
fn p5_a_start_during_the_drain() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).ownership(a, 1, Event::Revoking).handled(a, 1, [1]);
    scene.committed(a, 1, 2).ownership(a, 1, Event::Revoked);
    scene.breaks(&[P5]);
}

#[test]
fn p5_at_most_once_starts_what_it_has_committed_until_the_release() {
    let mut scene = Scene::at_most_once(2);
    let a = scene.owner(2);
    scene.committed(a, 1, 2).handled(a, 1, [0]).ownership(a, 1, Event::Revoking);
    scene.handled(a, 1, [1]).ownership(a, 1, Event::Revoked);
    scene.passes();
}

#[test]
fn p6_a_late_result_changes_the_state() {
    let stale = |after| {
        Event::Stale(Stale { topic: topic(), partition: 0, term: 1, offset: 0, before: 7, after })
    };
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).push(a, stale(7));
    scene.passes();
    scene.push(a, stale(8));
    scene.breaks(&[P6]);
}

#[test]
fn p12_more_calls_at_once_than_allowed() {
    let mut scene = Scene::at_least_once(10);
    scene.promise.processing_order = ProcessingOrder::Unordered;
    let a = scene.owner(10);
    for offset in 0..4 {
        scene.started(a, 1, offset);
    }
    scene.ended(a, 1, 0, EndResult::Ok).started(a, 1, 4);
    scene.killed(a);
    scene.promise.completeness = surefoot_check::Completeness::OnlyCommitted;
    scene.passes();
    let mut scene = Scene::at_least_once(10);
    scene.promise.processing_order = ProcessingOrder::Unordered;
    scene.promise.completeness = surefoot_check::Completeness::OnlyCommitted;
    let a = scene.owner(10);
    for offset in 0..5 {
        scene.started(a, 1, offset);
    }
    scene.breaks(&[P12]);
}

#[test]
fn p12_more_bytes_held_than_the_budget_and_one_fetch() {
    let gauge =
        |buffered_bytes| Event::Gauge(Gauge { running: 1, buffered_records: 1, buffered_bytes });
    let mut scene = Scene::at_least_once(0);
    scene.promise.buffer_slack_bytes = 500;
    let a = scene.owner(0);
    scene.push(a, gauge(1_500));
    scene.passes();
    scene.push(a, gauge(1_501));
    scene.breaks(&[P12]);
}

#[test]
fn p12_more_committed_ahead_than_the_window() {
    let mut scene = Scene::at_most_once(4);
    let a = scene.owner(4);
    scene.committed(a, 1, 2).handled(a, 1, [0]).committed(a, 1, 3).handled(a, 1, 1..3);
    scene.committed(a, 1, 4).handled(a, 1, [3]).stopped_well(a, 1);
    scene.passes();
    let mut scene = Scene::at_most_once(4);
    let a = scene.owner(4);
    scene.committed(a, 1, 2).handled(a, 1, [0]).committed(a, 1, 4).handled(a, 1, 1..4);
    scene.stopped_well(a, 1);
    scene.breaks(&[P12]);
}

#[test]
fn p12_a_refused_commit_is_not_ahead() {
    let mut scene = Scene::at_most_once(4);
    let a = scene.owner(4);
    let commit = scene.sent(a, 1, 2);
    scene.answered(a, commit, 2, CommitOutcome::Refused);
    scene.committed(a, 1, 2).handled(a, 1, 0..2).committed(a, 1, 4).handled(a, 1, 2..4);
    scene.passes();
}

#[test]
fn p12_a_refusal_after_doubt_leaves_the_doubt() {
    let mut scene = Scene::at_most_once(4);
    let a = scene.owner(4);
    let commit = scene.sent(a, 1, 2);
    scene.answered(a, commit, 2, CommitOutcome::Unknown);
    scene.answered(a, commit, 2, CommitOutcome::Refused);
    let higher = scene.sent(a, 1, 4);
    scene.applied(a, higher, 4).answered(a, higher, 4, CommitOutcome::Done).handled(a, 1, 0..4);
    scene.breaks(&[P12]);
}

#[test]
fn p12_a_refused_commit_takes_back_only_its_own() {
    let mut scene = Scene::at_most_once(4);
    let a = scene.owner(4);
    scene.committed(a, 1, 1).committed(a, 1, 2);
    let commit = scene.sent(a, 1, 2);
    scene.answered(a, commit, 2, CommitOutcome::Refused);
    // Two wait still, and one more is committed.
    scene.committed(a, 1, 3).handled(a, 1, 0..3).committed(a, 1, 4).handled(a, 1, [3]);
    scene.breaks(&[P12]);
}

#[test]
fn p13_a_start_while_the_application_paused() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.paused(a, 1, PauseReason::User).resumed(a, 1, PauseReason::User).handled(a, 1, [0]);
    scene.paused(a, 1, PauseReason::Backpressure).handled(a, 1, [1]).committed(a, 1, 2);
    scene.passes();
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).paused(a, 1, PauseReason::User).handled(a, 1, [1]).committed(a, 1, 2);
    scene.breaks(&[P13]);
}

#[test]
fn p13_another_reason_still_holds() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.paused(a, 1, PauseReason::User).paused(a, 1, PauseReason::Breaker);
    scene.resumed(a, 1, PauseReason::User).handled(a, 1, [0]).committed(a, 1, 1);
    scene.breaks(&[P13]);
}

#[test]
fn p13_a_pause_outlives_its_term() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).released(a, 1);
    scene.paused(a, 1, PauseReason::User);
    scene.breaks(&[P13]);
}
