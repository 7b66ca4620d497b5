//! Plants for P7 to P9: order, contiguity, one terminal decision.

use surefoot_check::Completeness;
use surefoot_check::Predicate::*;
use surefoot_check::history::*;

use super::scene::Scene;

#[test]
fn p7_two_records_of_a_key_at_once() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.started(a, 1, 0).started(a, 1, 2).handled(a, 1, [1]);
    scene.ended(a, 1, 0, EndResult::Ok).ended(a, 1, 2, EndResult::Ok).committed(a, 1, 3);
    scene.breaks(&[P7]);
    assert_eq!(scene.verdict().counts.out_of_order, 1);
}

#[test]
fn p7_a_record_passes_the_one_before_it() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.handled(a, 1, [2]).handled(a, 1, 0..2).committed(a, 1, 3);
    scene.breaks(&[P7]);
}

#[test]
fn p7_a_record_passes_a_failed_one() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.started(a, 1, 0).ended(a, 1, 0, EndResult::Error).handled(a, 1, 1..3);
    scene.promise.completeness = Completeness::OnlyCommitted;
    scene.breaks(&[P7]);
}

#[test]
fn p7_other_keys_may_pass() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.started(a, 1, 0).handled(a, 1, [1]).ended(a, 1, 0, EndResult::Ok);
    scene.handled(a, 1, [2]).committed(a, 1, 3);
    scene.passes();
    scene.promise.processing_order = ProcessingOrder::Partition;
    scene.breaks(&[P7]);
}

#[test]
fn p7_records_without_a_key_stand_alone() {
    let log = [(0, None), (1, None)];
    let mut scene = Scene::with_log(Guarantee::AtLeastOnce, &log, 2);
    let a = scene.owner(2);
    let start = |offset| {
        Event::Started(Started {
            topic: super::scene::topic(),
            partition: 0,
            term: 1,
            offset,
            attempt: 1,
            key: None,
            last: None,
            count: None,
        })
    };
    scene.push(a, start(1)).push(a, start(0));
    scene.ended(a, 1, 0, EndResult::Ok).ended(a, 1, 1, EndResult::Ok).committed(a, 1, 2);
    scene.passes();
}

#[test]
fn p7_a_call_of_an_ended_term_still_runs() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).ownership(a, 1, Event::Lost).assigned(a, 2);
    scene.start(a, 2, 0, None, StartReason::Earliest).delivered(a, 2, 0, 0);
    scene.handled(a, 2, [0]).ended(a, 1, 0, EndResult::Ok).committed(a, 2, 1);
    scene.breaks(&[P7]);
}

#[test]
fn p7_at_most_once_waits_for_the_end_whatever_it_is() {
    let mut scene = Scene::at_most_once(3);
    let a = scene.owner(3);
    scene.committed(a, 1, 1).started(a, 1, 0).ended(a, 1, 0, EndResult::Error);
    scene.committed(a, 1, 3).handled(a, 1, 1..3);
    scene.passes();
    let mut scene = Scene::at_most_once(3);
    let a = scene.owner(3);
    scene.committed(a, 1, 1).started(a, 1, 0).committed(a, 1, 3).handled(a, 1, 1..3);
    scene.ended(a, 1, 0, EndResult::Ok);
    scene.breaks(&[P7]);
}

#[test]
fn p8_a_record_is_left_out() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(1);
    scene.delivered(a, 1, 2, 2).handled(a, 1, [0]).committed(a, 1, 1);
    scene.promise.completeness = Completeness::OnlyCommitted;
    scene.breaks(&[P8]);
}

#[test]
fn p8_a_run_has_fewer_records_than_the_log() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(0);
    scene.delivered_some(a, 1, 0, 2, 2).handled(a, 1, 0..3).committed(a, 1, 3);
    scene.breaks(&[P8]);
}

#[test]
fn p8_a_record_is_delivered_again() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.delivered(a, 1, 1, 1).handled(a, 1, 0..2).committed(a, 1, 2);
    scene.breaks(&[P8]);
}

#[test]
fn p8_a_delivery_before_the_start_is_known() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.begin("a", 1);
    scene.assigned(a, 1).delivered(a, 1, 0, 0).start(a, 1, 0, None, StartReason::Earliest);
    scene.handled(a, 1, [0]).committed(a, 1, 1);
    scene.breaks(&[P8]);
}

#[test]
fn p8_a_delivery_after_the_release() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).released(a, 1).delivered(a, 1, 1, 1);
    scene.promise.completeness = Completeness::OnlyCommitted;
    scene.breaks(&[P8]);
}

#[test]
fn p9_a_record_starts_again_after_success() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).attempt(a, 1, 0, 2).committed(a, 1, 1).killed(a);
    scene.breaks(&[P9]);
}

#[test]
fn p9_a_record_starts_while_it_runs() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).attempt(a, 1, 0, 2).killed(a);
    scene.promise.completeness = Completeness::OnlyCommitted;
    scene.breaks(&[P7, P9]);
}

#[test]
fn p9_a_record_ends_twice() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).ended(a, 1, 0, EndResult::Ok).committed(a, 1, 1);
    scene.breaks(&[P9]);
}

#[test]
fn p9_a_record_ends_that_never_started() {
    let mut scene = Scene::with_log(Guarantee::AtLeastOnce, &[], 9);
    let a = scene.owner(0);
    scene.ended(a, 1, 7, EndResult::Ok);
    scene.breaks(&[P9]);
}

#[test]
fn p9_a_record_is_skipped_and_handled() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).skipped(a, 1, 0, 0).ended(a, 1, 0, EndResult::Ok).committed(a, 1, 1);
    scene.breaks(&[P9]);
}

#[test]
fn p9_a_record_starts_that_was_not_delivered() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(1);
    scene.handled(a, 1, 0..2).committed(a, 1, 1).delivered(a, 1, 1, 1).committed(a, 1, 2);
    scene.breaks(&[P9]);
}

#[test]
fn p9_a_commit_ends_that_was_never_sent() {
    let mut scene = Scene::at_least_once(0);
    let a = scene.owner(0);
    scene.answered(a, 5, 0, CommitOutcome::Done);
    scene.breaks(&[P9]);
}
