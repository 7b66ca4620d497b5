//! Plants for P20 and P21: starts without an acknowledged commit, losses beyond the window, lost
//! records, repeats without a cause.

use surefoot_check::Completeness;
use surefoot_check::Predicate::*;
use surefoot_check::history::*;

use super::scene::Scene;

#[test]
fn p20_a_start_before_the_acknowledgement() {
    let mut scene = Scene::at_most_once(1);
    let a = scene.owner(1);
    let commit = scene.sent(a, 1, 1);
    scene.applied(a, commit, 1).started(a, 1, 0).answered(a, commit, 1, CommitOutcome::Done);
    scene.ended(a, 1, 0, EndResult::Ok);
    scene.breaks(&[P20]);
}

#[test]
fn p20_a_start_on_an_unknown_outcome() {
    let mut scene = Scene::at_most_once(1);
    let a = scene.owner(1);
    let commit = scene.sent(a, 1, 1);
    scene.applied(a, commit, 1).answered(a, commit, 1, CommitOutcome::Unknown).handled(a, 1, [0]);
    scene.breaks(&[P20]);
}

#[test]
fn p20_a_commit_of_the_term_before_does_not_count() {
    let mut scene = Scene::at_most_once(2);
    let a = scene.owner(2);
    scene.committed(a, 1, 2).ownership(a, 1, Event::Lost).assigned(a, 2);
    scene.start(a, 2, 2, Some(2), StartReason::Committed);
    scene.seek(a, 2, 0).delivered(a, 3, 0, 1).handled(a, 3, 0..2);
    scene.breaks(&[P20]);
}

#[test]
fn p20_a_record_starts_twice() {
    let mut scene = Scene::at_most_once(2);
    let a = scene.owner(2);
    let commit = scene.sent(a, 1, 1);
    scene.answered(a, commit, 1, CommitOutcome::Done).handled(a, 1, [0]).killed(a);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 1);
    scene.committed(b, 1, 2).handled(b, 1, 0..2);
    scene.breaks(&[P20]);
}

#[test]
fn p20_a_kill_loses_more_than_the_window() {
    let mut scene = Scene::at_most_once(6);
    let a = scene.owner(3);
    scene.committed(a, 1, 3).killed(a);
    let b = scene.successor("a", 2, 3);
    scene.delivered(b, 1, 3, 5).committed(b, 1, 5).handled(b, 1, 3..5);
    scene.committed(b, 1, 6).handled(b, 1, 5..6);
    // The window was exceeded before the kill, too.
    scene.breaks(&[P12, P20]);
    assert_eq!(scene.verdict().counts.lost, 3);
}

#[test]
fn p20_an_orderly_stop_loses_nothing() {
    let mut scene = Scene::at_most_once(2);
    let a = scene.owner(2);
    scene.committed(a, 1, 2).handled(a, 1, [0]).stopped_well(a, 1);
    scene.breaks(&[P20]);
}

#[test]
fn p21_a_record_is_lost() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [1]).committed(a, 1, 2);
    scene.breaks(&[P1, P21]);
    assert_eq!(scene.verdict().counts.lost, 1);
}

#[test]
fn p21_a_record_is_never_reached() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).committed(a, 1, 1).killed(a);
    scene.breaks(&[P21]);
    scene.promise.completeness = Completeness::OnlyCommitted;
    scene.passes();
}

#[test]
fn p21_a_repeat_after_an_acknowledged_commit() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]);
    let commit = scene.sent(a, 1, 1);
    scene.answered(a, commit, 1, CommitOutcome::Done).killed(a);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 0);
    scene.handled(b, 1, [0]).committed(b, 1, 1);
    scene.breaks(&[P21]);
}

#[test]
fn p21_each_acknowledged_commit_counts() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    for offset in 0..2 {
        scene.handled(a, 1, [offset]);
        scene.committed_unseen(a, 1, offset + 1);
    }
    scene.killed(a);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 1);
    scene.handled(b, 1, 0..2).committed(b, 1, 2);
    scene.breaks(&[P21]);
    assert_eq!(scene.verdict().violation_counts[&P21], 2);
}

#[test]
fn p21_a_partition_that_was_paused_once_has_no_excuse() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(4);
    scene.paused(a, 1, PauseReason::User).resumed(a, 1, PauseReason::User);
    scene.handled(a, 1, 0..2).handled(a, 1, [3]).committed(a, 1, 2).released(a, 1);
    let b = scene.successor("b", 1, 2);
    scene.delivered(b, 1, 2, 3).handled(b, 1, 2..4).committed(b, 1, 4);
    scene.breaks(&[P21]);
}

#[test]
fn p21_a_repeat_after_an_orderly_release() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).released(a, 1);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 0);
    scene.handled(b, 1, [0]).committed(b, 1, 1);
    scene.breaks(&[P21]);
}

#[test]
fn p21_a_release_before_the_drain_was_over() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).released(a, 1);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 0);
    scene.handled(b, 1, [0]).committed(b, 1, 1).ended(a, 1, 0, EndResult::Ok);
    scene.breaks(&[P21]);
}

#[test]
fn p21_a_commit_that_was_not_acknowledged_explains_a_repeat() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]);
    let commit = scene.sent(a, 1, 1);
    scene.answered(a, commit, 1, CommitOutcome::Unknown).released(a, 1);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 0);
    scene.handled(b, 1, [0]).committed(b, 1, 1);
    scene.passes();
}
