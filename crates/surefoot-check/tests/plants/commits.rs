//! Plants for P1 to P4 and P14, P16: commits that cover too much, move back, go too far, come too
//! late.

use surefoot_check::ForeignCommits;
use surefoot_check::Predicate::*;
use surefoot_check::history::*;

use super::scene::{Scene, topic};

#[test]
fn p1_a_commit_covers_a_record_that_runs() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.started(a, 1, 0).handled(a, 1, [1]).committed(a, 1, 2);
    scene.ended(a, 1, 0, EndResult::Ok).handled(a, 1, [2]).committed(a, 1, 3);
    scene.breaks(&[P1]);
}

#[test]
fn p1_a_commit_covers_a_record_that_failed() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).ended(a, 1, 0, EndResult::Error).committed(a, 1, 1);
    // It is lost, too.
    scene.breaks(&[P1, P21]);
}

#[test]
fn p1_a_refused_commit_is_judged_too() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    let commit = scene.sent(a, 1, 1);
    scene.answered(a, commit, 1, CommitOutcome::Refused).handled(a, 1, [0]).committed(a, 1, 1);
    scene.breaks(&[P1]);
}

#[test]
fn p1_a_result_of_another_term_does_not_count() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.started(a, 1, 0).ownership(a, 1, Event::Lost).assigned(a, 2);
    scene.start(a, 2, 0, None, StartReason::Earliest).delivered(a, 2, 0, 0);
    scene.ended(a, 1, 0, EndResult::Ok).committed(a, 2, 1);
    scene.breaks(&[P1]);
}

#[test]
fn p1_at_most_once_commits_what_was_not_delivered() {
    let mut scene = Scene::at_most_once(2);
    let a = scene.owner(1);
    scene.committed(a, 1, 2).delivered(a, 1, 1, 1).handled(a, 1, 0..2);
    scene.breaks(&[P1, P3]);
}

#[test]
fn p1_a_commit_before_the_start_is_known() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.begin("a", 1);
    scene.assigned(a, 1);
    let commit = scene.sent(a, 1, 0);
    scene.answered(a, commit, 0, CommitOutcome::Refused);
    scene.start(a, 1, 0, None, StartReason::Earliest).delivered(a, 1, 0, 0);
    scene.handled(a, 1, 0..1).committed(a, 1, 1);
    scene.breaks(&[P1]);
}

#[test]
fn p1_a_stored_position_that_no_member_sent() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, 0..2).applied(a, 77, 1).committed(a, 1, 2);
    scene.breaks(&[P1]);
    scene.promise.foreign_commits = ForeignCommits::Allowed;
    scene.passes();
}

#[test]
fn p1_a_term_that_starts_too_high_covers_what_nobody_did() {
    let mut scene = Scene::at_least_once(4);
    let a = scene.owner(4);
    scene.handled(a, 1, [0]).committed(a, 1, 1).killed(a);
    let b = scene.begin("b", 1);
    scene.assigned(b, 1).start(b, 1, 3, Some(3), StartReason::Committed);
    scene.delivered(b, 1, 3, 3).handled(b, 1, [3]).committed(b, 1, 4);
    // The start told something else than what was stored, records 1 and 2 are lost, and 3 ran
    // before 1.
    scene.breaks(&[P1, P7, P14, P21]);
}

#[test]
fn p2_an_old_commit_overtakes_a_new_one() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]);
    let first = scene.sent(a, 1, 1);
    scene.handled(a, 1, [1]);
    let second = scene.sent(a, 1, 2);
    scene.applied(a, second, 2).applied(a, first, 1);
    scene.answered(a, second, 2, CommitOutcome::Done).answered(a, first, 1, CommitOutcome::Done);
    scene.breaks(&[P2]);
    assert_eq!(scene.verdict().counts.commits_moved_back, 1);
}

#[test]
fn p2_a_seek_excuses_one_step_back_only() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.handled(a, 1, 0..3).committed(a, 1, 3).seek(a, 1, 0).delivered(a, 2, 0, 2);
    scene.handled(a, 2, [0]).committed(a, 2, 1);
    let early = scene.sent(a, 2, 1);
    scene.handled(a, 2, [1]).committed(a, 2, 2).applied(a, early, 1);
    scene.breaks(&[P2]);
}

#[test]
fn p3_a_commit_below_the_start_of_its_term() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.handled(a, 1, 0..2).committed(a, 1, 2).killed(a);
    let b = scene.successor("a", 2, 2);
    scene.delivered(b, 1, 2, 2).handled(b, 1, [2]);
    let low = scene.sent(b, 1, 1);
    scene.answered(b, low, 1, CommitOutcome::Refused).committed(b, 1, 3);
    scene.breaks(&[P3]);
}

#[test]
fn p3_a_commit_beyond_the_end_of_the_log() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, 0..2).committed(a, 1, 3);
    scene.breaks(&[P3]);
}

#[test]
fn p4_a_commit_after_the_release() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).released(a, 1).committed(a, 1, 1);
    scene.breaks(&[P4]);
}

#[test]
fn p4_a_commit_after_the_loss() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).ownership(a, 1, Event::Lost).committed(a, 1, 1);
    scene.breaks(&[P4]);
}

#[test]
fn p4_a_commit_of_the_term_that_a_seek_ended() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, 0..2).seek(a, 1, 2).committed(a, 1, 2);
    scene.breaks(&[P4]);
}

#[test]
fn p4_a_term_that_never_began() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).paused(a, 9, PauseReason::Backpressure);
    scene.breaks(&[P4]);
}

#[test]
fn p4_a_term_inside_another() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1).assigned(a, 2);
    scene.breaks(&[P4]);
}

#[test]
fn p14_an_error_is_taken_for_nothing_committed() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, 0..2).committed(a, 1, 2).killed(a);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 1);
    scene.handled(b, 1, 0..2);
    // The repeats are without a cause as well: a commit that covers them was acknowledged.
    scene.breaks(&[P14, P21]);
}

#[test]
fn p14_a_start_policy_overrides_a_commit() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.handled(a, 1, 0..2).committed(a, 1, 2).killed(a);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 3, Some(2), StartReason::Latest);
    scene.handled(b, 1, []).stopped_well(b, 1);
    scene.breaks(&[P14]);
}

#[test]
fn p14_a_start_away_from_the_committed_position() {
    let mut scene = Scene::at_least_once(3);
    let a = scene.owner(3);
    scene.handled(a, 1, 0..2).committed(a, 1, 2).killed(a);
    let b = scene.begin("a", 2);
    scene.assigned(b, 1).start(b, 1, 1, Some(2), StartReason::Committed).delivered(b, 1, 1, 2);
    scene.handled(b, 1, [1]).handled(b, 1, [2]).committed(b, 1, 3);
    scene.breaks(&[P14, P21]);
}

#[test]
fn p14_a_reset_that_is_not_on_record() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.begin("a", 1);
    scene.assigned(a, 1).start(a, 1, 0, None, StartReason::Reset).delivered(a, 1, 0, 0);
    scene.handled(a, 1, [0]).committed(a, 1, 1);
    scene.breaks(&[P14]);
}

#[test]
fn p14_a_start_told_twice() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(0);
    scene.start(a, 1, 0, None, StartReason::Earliest).delivered(a, 1, 0, 0);
    scene.handled(a, 1, [0]).committed(a, 1, 1);
    scene.breaks(&[P14]);
}

#[test]
fn p16_offsets_of_the_old_topic_are_stored_for_the_new_one() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.begin("a", 1);
    scene.assigned(a, 1).push(a, start_of_topic("old"));
    scene.delivered(a, 1, 0, 0).handled(a, 1, [0]);
    let commit = scene.sent(a, 1, 1);
    scene.outside(stored_for("new", commit)).answered(a, commit, 1, CommitOutcome::Done);
    scene.breaks(&[P16]);
}

#[test]
fn p16_the_same_topic_all_along() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.begin("a", 1);
    scene.assigned(a, 1).push(a, start_of_topic("old"));
    scene.delivered(a, 1, 0, 0).handled(a, 1, [0]);
    let commit = scene.sent(a, 1, 1);
    scene.outside(stored_for("old", commit)).answered(a, commit, 1, CommitOutcome::Done);
    scene.passes();
    assert!(scene.verdict().judged.contains(&P16));
}

fn start_of_topic(id: &str) -> Event {
    Event::StartKnown(StartKnown {
        topic: topic(),
        partition: 0,
        term: 1,
        position: 0,
        committed: None,
        reason: StartReason::Earliest,
        topic_id: Some(id.into()),
    })
}

fn stored_for(id: &str, commit: u64) -> Event {
    Event::Applied(Applied {
        topic: topic(),
        partition: 0,
        position: Some(1),
        member: Some("a".into()),
        incarnation: Some(1),
        commit: Some(commit),
        topic_id: Some(id.into()),
    })
}
