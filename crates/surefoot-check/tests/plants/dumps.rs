//! Runs whose stored positions are known from a dump only, as those of real clusters.

use surefoot_check::ForeignCommits;
use surefoot_check::Predicate::*;
use surefoot_check::history::*;

use super::scene::{Scene, dump};

#[test]
fn a_dump_tells_what_was_stored() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]);
    let first = scene.committed_unseen(a, 1, 1);
    scene.handled(a, 1, [1]);
    let second = scene.committed_unseen(a, 1, 2);
    scene.stopped_well(a, 1).stored(&[(1, first), (2, second)]);
    scene.passes();
    let verdict = scene.verdict();
    assert_eq!(verdict.counts.commits_applied, 2);
    assert!(verdict.judged.contains(&P2));
}

#[test]
fn p2_a_dump_that_moves_back() {
    let mut scene = Scene::at_least_once(2);
    let a = scene.owner(2);
    scene.handled(a, 1, [0]);
    let first = scene.committed_unseen(a, 1, 1);
    scene.handled(a, 1, [1]);
    let second = scene.committed_unseen(a, 1, 2);
    scene.stored(&[(2, second), (1, first)]);
    scene.breaks(&[P2]);
}

#[test]
fn p14_a_start_that_ignores_an_old_commit() {
    let late = |ms| {
        let mut scene = Scene::at_least_once(1);
        let a = scene.owner(1);
        scene.handled(a, 1, [0]);
        let commit = scene.sent(a, 1, 1);
        let stored = scene.now;
        scene.answered(a, commit, 1, CommitOutcome::Unknown).killed(a).wait(ms);
        let b = scene.begin("a", 2);
        scene.assigned(b, 1).start(b, 1, 0, None, StartReason::Earliest).delivered(b, 1, 0, 0);
        scene.handled(b, 1, [0]).stored(&[(1, stored)]);
        scene
    };
    late(10_000).breaks(&[P14]);
    // The clocks of members and coordinator may differ by so much.
    late(500).passes();
}

#[test]
fn what_was_stored_before_the_run_is_where_it_begins() {
    let mut scene = Scene::at_least_once(3);
    scene.now += 60_000_000;
    let a = scene.successor("a", 1, 2);
    scene.delivered(a, 1, 2, 2).handled(a, 1, [2]);
    let stored = scene.committed_unseen(a, 1, 3);
    scene.stopped_well(a, 1).stored(&[(1, 1_000_000), (2, 2_000_000), (3, stored)]);
    scene.passes();
    assert_eq!(scene.verdict().counts.in_scope, 1);
}

#[test]
fn records_of_a_partition_that_nobody_owned_are_unhandled() {
    let mut scene = Scene::at_least_once(1);
    let a = scene.owner(1);
    scene.handled(a, 1, [0]).committed(a, 1, 1);
    scene.run.add_topic(dump(1, [(0, None)].into_iter(), 1));
    let verdict = scene.verdict();
    assert_eq!((verdict.counts.unhandled, verdict.violation_counts[&P21]), (1, 1));
}

#[test]
fn another_program_of_the_group_answers_for_what_it_committed() {
    let mut scene = Scene::at_least_once(4);
    scene.promise.foreign_commits = ForeignCommits::Allowed;
    let a = scene.owner(1);
    scene.handled(a, 1, [0]);
    let ours = scene.committed_unseen(a, 1, 1);
    scene.stopped_well(a, 1).wait(5_000);
    let theirs = [(2, scene.now), (3, scene.now + 1_000)];
    scene.wait(5_000);
    let b = scene.successor("a", 2, 3);
    scene.delivered(b, 1, 3, 3).handled(b, 1, [3]);
    let again = scene.committed_unseen(b, 1, 4);
    scene.stopped_well(b, 1).stored(&[(1, ours), theirs[0], theirs[1], (4, again)]);
    scene.passes();
    scene.promise.foreign_commits = ForeignCommits::Refused;
    // Nobody of the run sent them, and nobody of the run handled what they cover.
    scene.breaks(&[P1, P7, P21]);
}

#[test]
fn p16_the_dump_is_of_another_topic_than_the_one_that_was_read() {
    let with_id = |id: &str| {
        let mut scene = Scene::with_log(Guarantee::AtLeastOnce, &[], 0);
        let mut topic = dump(0, [(0, None)].into_iter(), 1);
        topic.topic_id = Some(id.into());
        scene.run = surefoot_check::Run::new();
        scene.run.add_topic(topic);
        let a = scene.begin("a", 1);
        scene.assigned(a, 1).push(
            a,
            Event::StartKnown(StartKnown {
                topic: super::scene::topic(),
                partition: 0,
                term: 1,
                position: 0,
                committed: None,
                reason: StartReason::Earliest,
                topic_id: Some("old".into()),
            }),
        );
        scene.delivered(a, 1, 0, 0).handled(a, 1, [0]);
        let stored = scene.committed_unseen(a, 1, 1);
        scene.stored(&[(1, stored)]);
        scene
    };
    with_id("old").passes();
    with_id("new").breaks(&[P16]);
}
