//! Plants for P40 to P43: nothing is lost or repeated, and nothing moves.

use surefoot_check::Predicate::*;
use surefoot_check::history::*;
use surefoot_check::{Completeness, Liveness};

use super::scene::Scene;

#[test]
fn p40_a_record_is_handled_too_late() {
    let mut scene = bounded(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).healed().wait(900).handled(a, 1, [1]).committed(a, 1, 2);
    scene.passes();
    let mut scene = bounded(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).committed(a, 1, 1).healed().wait(1_100).handled(a, 1, [1]);
    // Twice: the record, and the lag that it leaves.
    scene.committed(a, 1, 2).breaks(&[P40]);
    assert_eq!(scene.verdict().violation_counts[&P40], 2);
}

#[test]
fn p40_the_lag_stays_above_trailing_markers() {
    let log = [(0, Some(0))];
    let mut scene = Scene::with_log(Guarantee::AtLeastOnce, &log, 3);
    scene.promise.liveness = bounded(0).promise.liveness;
    let a = scene.owner(1);
    scene.healed().handled(a, 1, [0]).committed(a, 1, 1).wait(2_000).resumed(
        a,
        1,
        PauseReason::User,
    );
    scene.breaks(&[P40]);
}

#[test]
fn p41_a_partition_without_an_owner() {
    let mut scene = bounded(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).released(a, 1).healed().wait(1_100).assigned(a, 2);
    scene.breaks(&[P41]);
}

#[test]
fn p41_a_partition_without_an_owner_at_the_end() {
    let mut scene = bounded(1);
    let a = scene.owner(1);
    let b = scene.begin("b", 1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).healed().released(a, 1).wait(1_100);
    scene.push(b, Event::Gauge(Gauge { running: 0, buffered_records: 0, buffered_bytes: 0 }));
    scene.breaks(&[P41]);
}

#[test]
fn p41_a_pause_that_nobody_ends() {
    let mut scene = bounded(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).paused(a, 1, PauseReason::User);
    scene.healed().wait(1_100).stopped_well(a, 1);
    scene.passes();
    let mut scene = bounded(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).paused(a, 1, PauseReason::Backpressure);
    scene.healed().wait(1_100).stopped_well(a, 1);
    scene.breaks(&[P41]);
}

#[test]
fn p42_a_partition_goes_round_and_round() {
    let mut scene = bounded(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).healed();
    for term in 1..4 {
        scene.released(a, term).assigned(a, term + 1);
        scene.start(a, term + 1, 1, Some(1), StartReason::Committed);
    }
    scene.breaks(&[P42]);
}

#[test]
fn p42_a_loop_that_goes_nowhere() {
    let mut scene = bounded(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).healed();
    for _ in 0..20 {
        scene.paused(a, 1, PauseReason::Backpressure).resumed(a, 1, PauseReason::Backpressure);
    }
    scene.breaks(&[P42]);
}

#[test]
fn p43_a_record_waits_and_nothing_happens() {
    let mut scene = stalls(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).wait(490).handled(a, 1, [1]).committed(a, 1, 2);
    scene.passes();
    assert_eq!(scene.verdict().counts.longest_gap_ms, 491);
    let mut scene = stalls(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).wait(600).handled(a, 1, [1]).committed(a, 1, 2);
    scene.breaks(&[P43]);
}

#[test]
fn p43_a_stall_at_the_end_of_the_run() {
    let mut scene = stalls(1);
    let a = scene.owner(1);
    scene
        .wait(600)
        .push(a, Event::Gauge(Gauge { running: 0, buffered_records: 1, buffered_bytes: 1 }));
    scene.promise.completeness = Completeness::OnlyCommitted;
    scene.breaks(&[P43]);
}

#[test]
fn p43_nothing_to_do_is_no_stall() {
    let mut scene = stalls(2);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).wait(5_000);
    let produced = Produced { topic: super::scene::topic(), partition: 0, offset: 1, key: None };
    scene.outside(Event::Produced(produced)).delivered(a, 1, 1, 1).handled(a, 1, [1]);
    scene.committed(a, 1, 2).wait(5_000).stopped_well(a, 1);
    scene.passes();
    assert!(scene.verdict().counts.longest_gap_ms < 10);
}

#[test]
fn p43_a_long_handler_is_no_stall() {
    let mut scene = stalls(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).wait(90_000).ended(a, 1, 0, EndResult::Ok).committed(a, 1, 1);
    scene.passes();
}

#[test]
fn p43_without_a_free_slot_nothing_can_start() {
    let with_calls = |calls| {
        let mut other = Scene::at_least_once(5);
        let z = other.owner(5);
        for offset in 0..calls {
            other.started(z, 1, offset);
        }
        let mut scene = stalls(1);
        scene.promise.completeness = Completeness::OnlyCommitted;
        scene.run.add_topic(super::scene::dump(1, (0..5).map(|offset| (offset, None)), 5));
        let a = scene.owner(1);
        scene.with_partition_1(a, &other).wait(5_000);
        for offset in 0..calls {
            let mut end = Scene::at_least_once(5);
            let z = end.begin("a", 1);
            end.ended(z, 1, offset, EndResult::Ok);
            scene.with_partition_1(a, &end);
        }
        scene.handled(a, 1, [0]).killed(a);
        scene
    };
    with_calls(4).passes();
    with_calls(3).breaks(&[P43]);
}

#[test]
fn p43_at_most_once_is_done_with_what_has_started() {
    let mut scene = Scene::at_most_once(1);
    scene.promise.stall_bound_ms = Some(500);
    let a = scene.owner(1);
    scene.committed(a, 1, 1).started(a, 1, 0).ended(a, 1, 0, EndResult::Error).wait(5_000);
    scene.exited(a, 1);
    scene.passes();
}

#[test]
fn p43_a_killed_process_does_not_stand_still() {
    let mut scene = stalls(1);
    let a = scene.owner(1);
    scene.killed(a).wait(5_000);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 0);
    scene.handled(b, 1, [0]).committed(b, 1, 1);
    scene.passes();
}

#[test]
fn p43_a_stall_after_a_pause() {
    let mut scene = stalls(1);
    let a = scene.owner(1);
    scene.paused(a, 1, PauseReason::User).resumed(a, 1, PauseReason::User).wait(5_000);
    scene.handled(a, 1, [0]).committed(a, 1, 1);
    scene.breaks(&[P43]);
    scene.promise.stall_bound_ms = None;
    scene.passes();
    assert!(!scene.verdict().judged.contains(&P43), "without a bound there is no judgement");
}

#[test]
fn p40_at_most_once_has_started_or_lost_every_record() {
    let mut scene = Scene::at_most_once(3);
    scene.promise.liveness = bounded(0).promise.liveness;
    let a = scene.owner(2);
    scene.committed(a, 1, 2).killed(a).healed();
    let b = scene.successor("a", 2, 2);
    scene.wait(500).delivered(b, 1, 2, 2).committed(b, 1, 3).handled(b, 1, [2]).wait(2_000);
    scene.stopped_well(b, 1);
    scene.passes();
    let mut scene = Scene::at_most_once(3);
    scene.promise.liveness = bounded(0).promise.liveness;
    let a = scene.owner(3);
    scene.committed(a, 1, 2).handled(a, 1, 0..2).healed().wait(2_000).stopped_well(a, 1);
    scene.breaks(&[P40]);
}

#[test]
fn p43_a_pause_is_no_stall() {
    let mut scene = stalls(1);
    let a = scene.owner(1);
    scene.paused(a, 1, PauseReason::User).wait(5_000).resumed(a, 1, PauseReason::User);
    scene.handled(a, 1, [0]).committed(a, 1, 1);
    scene.passes();
}

#[test]
fn p43_a_stopped_process_is_no_stall() {
    let mut scene = stalls(1);
    let a = scene.owner(1);
    let name = || IncarnationName { member: "a".into(), incarnation: 1 };
    scene.outside(Event::Stopped(name())).wait(5_000).outside(Event::Continued(name()));
    scene.handled(a, 1, [0]).committed(a, 1, 1);
    scene.passes();
}

fn bounded(records: i64) -> Scene {
    let mut scene = Scene::at_least_once(records);
    scene.promise.liveness =
        Some(Liveness { bound_ms: 1_000, max_rebalances: 2, max_actions_per_second: 20 });
    scene
}

fn stalls(records: i64) -> Scene {
    let mut scene = Scene::at_least_once(records);
    scene.promise.stall_bound_ms = Some(500);
    scene
}
