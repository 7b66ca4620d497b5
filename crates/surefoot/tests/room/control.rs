//! Requests to a running consumer.

use std::sync::Arc;

use surefoot_core::{Answer, Control, PauseReason, Position, SeekTo};
use tokio::sync::oneshot;

use crate::broker;
use crate::link::{Message, Query};
use crate::member::Options;

#[test]
fn a_seek_goes_on_elsewhere_in_a_new_term() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    let partition = broker::partition(&topic, 0);
    broker::produce(&topic, 0, 0, 100);
    let member = Options::new(&topic, &group).start();
    member.wait_for_records(100);
    let seek = |to| member.control(Control::Seek(partition.clone(), to));
    assert_eq!(seek(SeekTo::Position(Position::new(90))), Answer::Accepted);
    member.wait_for_records(110);
    assert_eq!(seek(SeekTo::Beginning), Answer::Accepted);
    member.wait_for_records(210);
    assert_eq!(seek(SeekTo::Timestamp(1_800_000_000_000)), Answer::Accepted);
    assert_eq!(seek(SeekTo::End), Answer::Accepted);
    broker::produce(&topic, 0, 100, 1);
    member.wait_for_records(211);
    let (_, records, _) = member.stop();
    let mut expected: Vec<_> = (0..100).chain(90..100).chain(0..101).map(|o| (0, o)).collect();
    expected.sort_unstable();
    let mut records = records;
    records.sort_unstable();
    assert_eq!(records, expected);
}

#[test]
fn a_paused_partition_is_not_handled_and_the_others_are() {
    let (topic, group) = (broker::topic(2), broker::unique("group"));
    let paused = broker::partition(&topic, 0);
    let member = Options::new(&topic, &group).start();
    member.wait_for_snapshot("both are read", |it| {
        it.partitions.iter().filter(|it| it.position.is_some()).count() == 2
    });
    assert_eq!(member.control(Control::Pause(vec![paused.clone()])), Answer::Accepted);
    broker::produce(&topic, 0, 0, 50);
    broker::produce(&topic, 1, 0, 50);
    member.wait_for_records(50);
    assert!(member.records().iter().all(|(partition, _)| *partition == 1));
    let snapshot = member.snapshot();
    let held = snapshot.partition(&paused).unwrap();
    assert_eq!(held.paused, [PauseReason::User]);
    assert_eq!(member.control(Control::Resume(vec![paused])), Answer::Accepted);
    member.wait_for_records(100);
    member.stop();
}

#[test]
fn offsets_are_looked_up_without_seeking() {
    let (topic, group) = (broker::topic(2), broker::unique("group"));
    broker::produce(&topic, 0, 0, 10);
    let member = Options::new(&topic, &group).start();
    member.wait_for_records(10);
    let (reply, answer) = oneshot::channel();
    let topic_name: Arc<str> = topic.as_str().into();
    member.sender.send(Message::Query(Query::Assigned(Some(topic_name), reply))).unwrap();
    assert_eq!(answer.blocking_recv().unwrap().len(), 2);

    let partition = broker::partition(&topic, 0);
    for (millis, expected) in [(1_600_000_000_000, Some(0)), (1_800_000_000_000, None)] {
        let (reply, answer) = oneshot::channel();
        let query = Query::OffsetsForTime(vec![partition.clone()], millis, reply);
        member.sender.send(Message::Query(query)).unwrap();
        let answer = answer.blocking_recv().unwrap().unwrap();
        assert_eq!(answer, [(partition.clone(), expected)]);
    }
    assert_eq!(member.control(Control::Commit(Vec::new())), Answer::Committed);
    assert_eq!(member.committed(vec![partition]), [Some(10)]);
    member.wait_for_snapshot("lag is known and zero", |it| {
        it.partitions.iter().all(|it| it.lag() == Some(0))
    });
    member.stop();
}
