//! Commits, lookups and metadata.

use std::time::Duration;

use surefoot_core::{Committed, Position};

use crate::broker::{self, PATIENCE, partition, produce};
use crate::member::{COOPERATIVE, Member, entry};
use crate::native::{Code, CommitEntry, Event, Isolation, LogOffset, OffsetSpec, Stability};

fn committed(member: &mut Member, group: &str, topic: &str) -> Result<Option<Committed>, Code> {
    let partitions = [partition(topic, 0)];
    member.client.committed_offsets(7, group, &partitions, Stability::Required, PATIENCE).unwrap();
    let result = member.event("committed offsets", |event| match event {
        Event::CommittedOffsets { opaque: 7, result } => Some(result.clone()),
        _ => None,
    });
    let [(of, committed)] = result.unwrap().try_into().unwrap();
    assert_eq!(of, partitions[0]);
    committed
}

#[test]
fn a_commit_is_answered_under_its_number_and_read_back_whole() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    produce(&topic, 0, 0, 10);
    let (mut member, assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    assert_eq!(assigned, [partition(&topic, 0)]);
    assert_eq!(committed(&mut member, &group, &topic), Ok(None));

    member.start(&assigned, 0);
    member.read(10);
    let entry =
        CommitEntry { metadata: Some("surefoot: seen".to_owned()), ..entry(&assigned[0], 10) };
    assert_eq!(member.commit(u64::MAX - 1, entry), None);
    let stored = Committed {
        position: Position::new(10),
        leader_epoch: Some(0),
        metadata: Some("surefoot: seen".to_owned()),
    };
    assert_eq!(committed(&mut member, &group, &topic), Ok(Some(stored)));
    member.close();
}

#[test]
fn places_in_the_log_are_found() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    produce(&topic, 0, 0, 5);
    let mut member = Member::new(&group, &[]);
    let mut look_up = |spec| {
        let asked = [(partition(&topic, 0), spec)];
        member.client.list_offsets(3, &asked, Isolation::ReadCommitted, PATIENCE).unwrap();
        let result = member.event("offsets", |event| match event {
            Event::ListedOffsets { opaque: 3, result } => Some(result.clone()),
            _ => None,
        });
        let [(_, found)] = result.unwrap().try_into().unwrap();
        let LogOffset { position, timestamp, .. } = found.unwrap();
        (position.map(Position::get), timestamp)
    };
    assert_eq!(look_up(OffsetSpec::Earliest), (Some(0), None));
    assert_eq!(look_up(OffsetSpec::Latest), (Some(5), None));
    assert_eq!(look_up(OffsetSpec::Timestamp(1)), (Some(0), Some(1_700_000_000_000)));
    assert_eq!(look_up(OffsetSpec::Timestamp(1_700_000_000_001)), (None, None));
}

#[test]
fn a_topic_has_an_id_and_a_topic_that_does_not_exist_has_an_error() {
    let (topic, absent) = (broker::topic(3), broker::unique("absent"));
    let mut member = Member::new(&broker::unique("group"), &[]);
    member.client.describe_topics(9, &[&topic, &absent], PATIENCE);
    let result = member.event("topics", |event| match event {
        Event::DescribedTopics { opaque: 9, result } => Some(result.clone()),
        _ => None,
    });
    let topics = result.unwrap();
    let find = |name: &str| topics.iter().find(|it| it.topic == name).unwrap().result.clone();
    let facts = find(&topic).unwrap();
    assert_eq!(facts.partitions, 3);
    assert!(facts.id.is_some_and(|id| id != [0; 16]));
    assert_eq!(find(&absent).unwrap_err().code.name(), "UNKNOWN_TOPIC_OR_PART");
}

#[test]
fn an_unreachable_cluster_is_an_error_within_the_timeout() {
    let options =
        [("bootstrap.servers", "127.0.0.1:1"), ("socket.connection.setup.timeout.ms", "1000")];
    let mut member = Member::new(&broker::unique("group"), &options);
    let code = member.event("fault", |event| match event {
        Event::Fault(fault) => Some(fault.code),
        _ => None,
    });
    assert!(["_TRANSPORT", "_ALL_BROKERS_DOWN"].contains(&code.name().as_str()), "{code}");
    let partitions = [partition("any", 0)];
    let timeout = Duration::from_millis(200);
    member.client.committed_offsets(1, "any", &partitions, Stability::Required, timeout).unwrap();
    let result = member.event("committed offsets", |event| match event {
        Event::CommittedOffsets { result, .. } => Some(result.clone()),
        _ => None,
    });
    assert_eq!(result.unwrap_err().code, Code::TIMED_OUT);
}
