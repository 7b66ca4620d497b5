//! Plants for P30: stops that claim to be orderly and are not, or take too long.

use surefoot_check::Completeness;
use surefoot_check::Predicate::*;
use surefoot_check::history::*;

use super::scene::Scene;

#[test]
fn p30_exit_0_while_a_handler_runs() {
    let mut scene = partial(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).stopped_well(a, 1);
    scene.breaks(&[P30]);
}

#[test]
fn p30_exit_0_with_unfinished_records() {
    let mut scene = Scene::at_least_once(0);
    let a = scene.owner(0);
    scene.signal(a, 1).released(a, 1).left(a);
    scene.push(a, Event::Exited(Exited { code: 0, why: "stop".into(), unfinished: 2 }));
    scene.breaks(&[P30]);
}

#[test]
fn p30_exit_0_with_finished_work_uncommitted() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, 0..2).committed(a, 1, 1).stopped_well(a, 1);
    scene.breaks(&[P30]);
}

#[test]
fn p30_exit_0_although_the_last_commit_is_unknown() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]);
    let commit = scene.sent(a, 1, 1);
    scene.answered(a, commit, 1, CommitOutcome::Unknown).stopped_well(a, 1);
    scene.breaks(&[P30]);
}

#[test]
fn p30_a_partition_that_the_group_took_away_meanwhile_needs_no_commit() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]);
    let commit = scene.sent(a, 1, 1);
    scene.ownership(a, 1, Event::Revoking).signal(a, 1);
    scene.answered(a, commit, 1, CommitOutcome::Refused).stopped_well(a, 1);
    scene.promise.completeness = Completeness::OnlyCommitted;
    scene.passes();
}

#[test]
fn p30_exit_0_without_leaving_the_group() {
    let mut scene = Scene::at_least_once(0);
    let a = scene.owner(0);
    scene.signal(a, 1).released(a, 1).exited(a, 0);
    scene.breaks(&[P30]);
}

#[test]
fn p30_an_exit_after_the_deadline() {
    let mut scene = partial(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).signal(a, 1).wait(1_050).exited(a, 1);
    scene.passes();
    let mut scene = partial(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).signal(a, 1).wait(1_200).exited(a, 1);
    scene.breaks(&[P30]);
}

#[test]
fn p30_no_exit_at_all() {
    let mut scene = partial(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).signal(a, 1).wait(5_000).killed(a);
    scene.breaks(&[P30]);
}

#[test]
fn p30_time_in_which_the_process_was_stopped_does_not_count() {
    let mut scene = partial(1);
    let a = scene.owner(1);
    let name = || IncarnationName { member: "a".into(), incarnation: 1 };
    scene.started(a, 1, 0).signal(a, 1).outside(Event::Stopped(name())).wait(5_000);
    scene.outside(Event::Continued(name())).exited(a, 1);
    scene.passes();
}

#[test]
fn p30_time_after_the_process_went_on_counts() {
    let mut scene = partial(1);
    let a = scene.owner(1);
    let name = || IncarnationName { member: "a".into(), incarnation: 1 };
    scene.started(a, 1, 0).signal(a, 1).outside(Event::Stopped(name()));
    scene.outside(Event::Continued(name())).wait(5_000).exited(a, 1);
    scene.breaks(&[P30]);
}

#[test]
fn p30_a_second_signal_is_ignored() {
    let mut scene = partial(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).signal(a, 1).signal(a, 2).exited(a, 1);
    scene.passes();
    let mut scene = partial(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).signal(a, 1).signal(a, 2).wait(500).exited(a, 1);
    scene.breaks(&[P30]);
}

#[test]
fn p30_exit_0_after_a_second_signal() {
    let mut scene = Scene::at_least_once(0);
    let a = scene.owner(0);
    scene.signal(a, 1).signal(a, 2).released(a, 1).left(a).exited(a, 0);
    scene.breaks(&[P30]);
}

/// A run that may end before everything is handled.
fn partial(records: i64) -> Scene {
    let mut scene = Scene::at_least_once(records);
    scene.promise.completeness = Completeness::OnlyCommitted;
    scene
}
