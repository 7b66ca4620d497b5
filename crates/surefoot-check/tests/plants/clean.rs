//! Histories as they should be: the judge must find nothing.

use surefoot_check::history::*;
use surefoot_check::{Completeness, Liveness, Promise};

use super::scene::{Scene, dump, topic};

#[test]
fn at_least_once_from_start_to_stop() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(4);
    scene.handled(a, 1, 0..4).committed(a, 1, 4).stopped_well(a, 1);
    scene.passes();
    let counts = scene.verdict().counts;
    assert_eq!((counts.produced, counts.handled, counts.lost, counts.repeated), (4, 4, 0, 0));
}

#[test]
fn at_most_once_from_start_to_stop() {
    let mut scene = Scene::at_most_once(4);
    let a = scene.owner(4);
    scene.committed(a, 1, 2).handled(a, 1, 0..2).committed(a, 1, 4).handled(a, 1, 2..4);
    scene.stopped_well(a, 1);
    scene.passes();
}

#[test]
fn a_kill_repeats_what_was_not_committed() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(4);
    scene.handled(a, 1, 0..2).committed(a, 1, 1).started(a, 1, 2).killed(a);
    let b = scene.successor("a", 2, 1);
    scene.delivered(b, 1, 1, 3).handled(b, 1, 1..4).committed(b, 1, 4).stopped_well(b, 1);
    scene.passes();
    let counts = scene.verdict().counts;
    assert_eq!((counts.repeated, counts.kills, counts.incarnations), (2, 1, 2));
}

#[test]
fn a_kill_loses_no_more_than_the_window() {
    let mut scene = Scene::at_most_once(4);
    let a = scene.owner(4);
    scene.committed(a, 1, 2).killed(a);
    let b = scene.successor("a", 2, 2);
    scene.delivered(b, 1, 2, 3).committed(b, 1, 4).handled(b, 1, 2..4).stopped_well(b, 1);
    scene.passes();
    assert_eq!(scene.verdict().counts.lost, 2);
}

#[test]
fn a_zombie_handles_what_its_successor_handles_too() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    let b = scene.begin("b", 1);
    scene.started(a, 1, 0).assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest);
    scene.delivered(b, 1, 0, 1).handled(b, 1, 0..2).committed(b, 1, 2);
    scene.ended(a, 1, 0, EndResult::Ok);
    let late = scene.sent(a, 1, 1);
    scene.answered(a, late, 1, CommitOutcome::Refused).ownership(a, 1, Event::Lost);
    scene.left(a).exited(a, 1).stopped_well(b, 1);
    scene.passes();
}

#[test]
fn an_unknown_commit_is_sent_again() {
    let mut scene = Scene::at_most_once(1);
    let a = scene.owner(1);
    let commit = scene.sent(a, 1, 1);
    scene.applied(a, commit, 1).answered(a, commit, 1, CommitOutcome::Unknown);
    let again = scene.sent(a, 1, 1);
    scene.applied(a, again, 1).answered(a, again, 1, CommitOutcome::Done);
    scene.handled(a, 1, 0..1).stopped_well(a, 1);
    scene.passes();
}

#[test]
fn gaps_of_the_log_are_no_gaps_of_the_history() {
    let mut scene =
        Scene::with_log(Guarantee::AtLeastOnce, &[(3, None), (9, Some(0)), (40, Some(0))], 42);
    let a = scene.owner(0);
    scene.delivered_some(a, 1, 3, 9, 2).handled(a, 1, [3]).handled(a, 1, [9]).committed(a, 1, 10);
    scene.delivered_some(a, 1, 40, 40, 1).committed(a, 1, 40).handled(a, 1, [40]);
    scene.committed(a, 1, 42).stopped_well(a, 1);
    scene.passes();
}

#[test]
fn a_seek_back_repeats_and_commits_lower() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.handled(a, 1, 0..3).committed(a, 1, 3).seek(a, 1, 1).delivered(a, 2, 1, 2);
    scene.handled(a, 2, 1..2).committed(a, 2, 2).handled(a, 2, 2..3).committed(a, 2, 3);
    scene.stopped_well(a, 2);
    scene.passes();
}

#[test]
fn a_seek_forward_passes_records_over() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(2);
    scene.seek(a, 1, 3).delivered(a, 2, 3, 3).handled(a, 2, 3..4).committed(a, 2, 4);
    scene.stopped_well(a, 2);
    scene.passes();
    assert_eq!(scene.verdict().counts.passed_over, 3);
}

#[test]
fn at_most_once_may_repeat_after_a_seek() {
    let mut scene = Scene::at_most_once(2);
    let a = scene.owner(2);
    scene.committed(a, 1, 2).handled(a, 1, 0..2).seek(a, 1, 1).delivered(a, 2, 1, 1);
    scene.committed(a, 2, 2).handled(a, 2, 1..2).stopped_well(a, 2);
    scene.passes();
}

#[test]
fn a_drain_closes_the_gaps_below_what_has_started() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(4);
    scene.started(a, 1, 0).started(a, 1, 1).ended(a, 1, 1, EndResult::Ok).started(a, 1, 3);
    scene.ended(a, 1, 3, EndResult::Ok).ownership(a, 1, Event::Revoking);
    scene.ended(a, 1, 0, EndResult::Ok).handled(a, 1, [2]).committed(a, 1, 4);
    scene.ownership(a, 1, Event::Revoked);
    scene.passes();
}

#[test]
fn a_drain_that_ran_out_of_time_repeats() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.started(a, 1, 0).handled(a, 1, [1]).ownership(a, 1, Event::Revoking).wait(1_000);
    scene.ownership(a, 1, Event::Revoked);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 1);
    scene.handled(b, 1, 0..2).committed(b, 1, 2).ended(a, 1, 0, EndResult::Ok);
    scene.passes();
}

#[test]
fn a_failed_record_stops_the_consumer_and_runs_again() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.started(a, 1, 0).handled(a, 1, [1]).ended(a, 1, 0, EndResult::Error);
    scene.released(a, 1).left(a).exited(a, 1);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 2);
    scene.handled(b, 1, 0..3).committed(b, 1, 3).stopped_well(b, 1);
    scene.passes();
}

#[test]
fn a_batch_ends_in_parts() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(4);
    scene.push(a, batch_started(0, 3)).push(a, batch_ended(0, 1)).committed(a, 1, 2);
    scene.push(a, batch_ended(2, 3)).committed(a, 1, 4).stopped_well(a, 1);
    scene.passes();
    assert_eq!(scene.verdict().counts.handled, 4);
}

#[test]
fn skipped_records_are_done() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).skipped(a, 1, 1, 2).committed(a, 1, 3).delivered(a, 1, 3, 3);
    scene.handled(a, 1, [3]).committed(a, 1, 4).stopped_well(a, 1);
    scene.passes();
    assert_eq!(scene.verdict().counts.skipped, 2);
}

#[test]
fn manual_control_repeats_what_was_not_committed() {
    let mut scene = Scene::new(Guarantee::Manual, 2);
    let a = scene.owner(2);
    scene.handled(a, 1, 0..2).stopped_well(a, 1);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 1);
    scene.handled(b, 1, 0..2).committed(b, 1, 2).stopped_well(b, 1);
    scene.passes();
}

#[test]
fn the_promise_is_the_one_that_members_began_with() {
    let mut scene = Scene::at_most_once(0);
    scene.begin("a", 1);
    let promise = Promise::of(&scene.run).unwrap();
    assert_eq!(promise.guarantee, Guarantee::AtMostOnce);
    assert_eq!(promise.processing_order, ProcessingOrder::Key);
}

#[test]
fn a_commit_refused_for_good_leaves_work_to_the_next_owner() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]);
    let commit = scene.sent(a, 1, 1);
    scene.answered(a, commit, 1, CommitOutcome::Refused).handled(a, 1, [1]).released(a, 1);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 1);
    scene.handled(b, 1, 0..2).committed(b, 1, 2);
    scene.passes();
}

#[test]
fn a_handler_that_failed_elsewhere_stops_this_partition_too() {
    let mut scene = Scene::at_least_once(2);
    scene.run.add_topic(dump(1, [(0, None)].into_iter(), 1));
    scene.promise.completeness = Completeness::OnlyCommitted;
    let a = scene.owner(2);
    let mut fails = Scene::at_least_once(1);
    let z = fails.owner(1);
    fails.started(z, 1, 0).ended(z, 1, 0, EndResult::Panic);
    scene.with_partition_1(a, &fails);
    scene.handled(a, 1, [1]).released(a, 1).left(a).exited(a, 1);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 1);
    scene.handled(b, 1, 0..2).committed(b, 1, 2);
    scene.passes();
}

#[test]
fn a_pause_that_ends_within_the_drain_brings_nothing_back() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.handled(a, 1, [0]).committed(a, 1, 1).handled(a, 1, [2]);
    scene.paused(a, 1, PauseReason::User).ownership(a, 1, Event::Revoking);
    scene.paused(a, 1, PauseReason::Drain).resumed(a, 1, PauseReason::User).released(a, 1);
    let b = scene.successor("b", 1, 1);
    scene.delivered(b, 1, 1, 2).handled(b, 1, [1, 2]).committed(b, 1, 3);
    scene.stopped_well(b, 1).passes();
}

#[test]
fn a_record_that_waited_out_a_pause_holds_the_frontier_though_the_log_lost_it() {
    let mut log = dump(0, [(2, None)].into_iter(), 3);
    log.log_start = 2;
    let mut scene = Scene::with_dump(Guarantee::AtLeastOnce, log);
    let a = scene.owner(3);
    scene.handled(a, 1, [0]).committed(a, 1, 1).handled(a, 1, [2]);
    scene.paused(a, 1, PauseReason::User).ownership(a, 1, Event::Revoking).released(a, 1);
    let b = scene.successor("b", 1, 1);
    scene.delivered_some(b, 1, 1, 2, 2).handled(b, 1, [1, 2]).committed(b, 1, 3);
    scene.stopped_well(b, 1).passes();
}

#[test]
fn a_part_of_a_batch_that_gave_up_holds_the_frontier_though_the_log_lost_it() {
    let mut scene = Scene::with_log(Guarantee::AtLeastOnce, &[(0, None), (2, None)], 3);
    let a = scene.owner(3);
    scene.push(a, batch_started(0, 2)).push(a, batch_ended(2, 2)).push(a, batch_ended(0, 0));
    let Event::Ended(mut gave_up) = batch_ended(1, 1) else { unreachable!() };
    gave_up.result = EndResult::Cancelled;
    scene.ownership(a, 1, Event::Revoking).push(a, Event::Ended(gave_up)).committed(a, 1, 1);
    scene.released(a, 1);
    let b = scene.successor("b", 1, 1);
    scene.delivered_some(b, 1, 1, 2, 2).push(b, batch_started(1, 2));
    scene.push(b, batch_ended(1, 2)).committed(b, 1, 3).stopped_well(b, 1);
    scene.passes();
}

#[test]
fn a_batch_has_no_records_that_were_compacted_before() {
    let log = [(0, None), (9, None)];
    let mut scene = Scene::with_log(Guarantee::AtLeastOnce, &log, 10);
    let a = scene.owner(0);
    // Record 4 is seen by the first owner only.
    scene.delivered_some(a, 1, 0, 9, 3).started(a, 1, 4).killed(a);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest);
    scene.delivered_some(b, 1, 0, 9, 2).push(b, batch_started(0, 9));
    scene.push(b, batch_ended(9, 9)).push(b, batch_ended(0, 0)).committed(b, 1, 10);
    scene.stopped_well(b, 1);
    scene.passes();
}

#[test]
fn a_group_that_starts_at_the_end_has_nothing_to_commit() {
    let mut scene = Scene::with_log(Guarantee::AtLeastOnce, &[], 5);
    scene.promise.liveness =
        Some(Liveness { bound_ms: 1_000, max_rebalances: 2, max_actions_per_second: 20 });
    let a = scene.begin("a", 1);
    scene.assigned(a, 1).start(a, 1, 5, None, StartReason::Latest).healed().wait(2_000);
    scene.stopped_well(a, 1);
    scene.passes();
}

#[test]
fn a_cancelled_record_leaves_what_is_above_it_too() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.started(a, 1, 0).handled(a, 1, [1]).ownership(a, 1, Event::Revoking);
    scene.ended(a, 1, 0, EndResult::Cancelled).ownership(a, 1, Event::Revoked);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 1);
    scene.handled(b, 1, 0..2).committed(b, 1, 2);
    scene.passes();
}

#[test]
fn a_paused_partition_leaves_what_is_above_its_frontier() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(4);
    scene.started(a, 1, 0).handled(a, 1, [1]).handled(a, 1, [3]).paused(a, 1, PauseReason::User);
    scene.ended(a, 1, 0, EndResult::Ok).committed(a, 1, 2).released(a, 1);
    let b = scene.successor("b", 1, 2);
    scene.delivered(b, 1, 2, 3).handled(b, 1, 2..4).committed(b, 1, 4);
    scene.passes();
}

#[test]
fn a_reset_on_record_moves_the_position() {
    let log = [(5, None), (6, None), (9, None)];
    let mut scene = Scene::with_log(Guarantee::AtLeastOnce, &log, 10);
    let a = scene.begin("a", 1);
    scene.assigned(a, 1).reset(a, 1, 2, 5).start(a, 1, 5, None, StartReason::Reset);
    scene.delivered(a, 1, 5, 5).handled(a, 1, [5]).committed(a, 1, 6).reset(a, 1, 6, 9);
    scene.delivered(a, 1, 9, 9).handled(a, 1, [9]).skipped(a, 1, 6, 8).committed(a, 1, 10);
    scene.stopped_well(a, 1);
    scene.passes();
}

#[test]
fn a_reset_goes_back_where_the_log_was_cut() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]).committed(a, 1, 1).reset(a, 1, 2, 1).delivered(a, 1, 1, 1);
    scene.handled(a, 1, [1]).committed(a, 1, 2).stopped_well(a, 1);
    scene.passes();
}

#[test]
fn a_lost_term_is_no_longer_ahead() {
    let mut scene = Scene::at_most_once(4);
    let a = scene.owner(2);
    scene.committed(a, 1, 2).ownership(a, 1, Event::Lost).assigned(a, 2);
    scene.start(a, 2, 2, Some(2), StartReason::Committed).delivered(a, 2, 2, 3);
    scene.committed(a, 2, 4).handled(a, 2, 2..4).stopped_well(a, 2);
    scene.passes();
}

#[test]
fn counts_tell_the_fates_of_records() {
    let mut scene = Scene::at_most_once(6);
    let a = scene.owner(3);
    scene.committed(a, 1, 1).started(a, 1, 0).committed(a, 1, 3).ownership(a, 1, Event::Lost);
    scene.killed(a);
    let b = scene.successor("a", 2, 3);
    scene.delivered(b, 1, 3, 3).committed(b, 1, 4).handled(b, 1, [3]).killed(b);
    let c = scene.successor("a", 3, 4);
    scene.delivered(c, 1, 4, 4).committed(c, 1, 5).handled(c, 1, [4]).stopped_well(c, 1);
    scene.passes();
    let counts = scene.verdict().counts;
    assert_eq!((counts.interrupted, counts.lost, counts.handled, counts.unhandled), (1, 2, 2, 1));
    assert_eq!((counts.kills, counts.lost_terms, counts.rebalances), (2, 1, 3));
    assert_eq!((counts.in_scope, counts.commits_applied, counts.out_of_order), (6, 4, 0));
}

fn batch_started(offset: i64, last: i64) -> Event {
    Event::Started(Started {
        topic: topic(),
        partition: 0,
        term: 1,
        offset,
        attempt: 1,
        key: None,
        last: Some(last),
        count: None,
    })
}

fn batch_ended(offset: i64, last: i64) -> Event {
    Event::Ended(Ended {
        topic: topic(),
        partition: 0,
        term: 1,
        offset,
        attempt: 1,
        last: Some(last),
        count: None,
        result: EndResult::Ok,
        message: None,
    })
}
