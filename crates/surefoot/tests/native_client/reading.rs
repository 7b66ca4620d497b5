//! Records, ends, errors, seeks and wake-ups of one partition.

use std::sync::atomic::Ordering;

use crate::broker::{self, End, PATIENCE, partition, produce, produce_transaction};
use crate::member::{COOPERATIVE, Member, at};
use crate::native::{Code, NativeMessage};

#[test]
fn a_record_comes_whole() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    produce(&topic, 0, 41, 1);
    let (mut member, assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    let mut queues = member.client.incremental_assign(&[at(&assigned[0], 0)]).unwrap();
    let mut messages: Vec<NativeMessage> = Vec::new();
    member.until("record", |_| {
        queues[0].consume(1, &mut messages);
        messages.first().map(|_| ())
    });
    let record = &messages[0];
    assert_eq!((record.topic(), record.partition(), record.offset().get()), (&*topic, 0, 0));
    assert_eq!(record.key(), Some(&b"41"[..]));
    assert_eq!(record.payload(), Some(&b"41"[..]));
    assert_eq!(record.timestamp(), Some(1_700_000_000_000));
    assert_eq!(record.leader_epoch(), Some(0));
    assert_eq!(record.error(), None);
    assert!(record.size() > 4);
    let headers: Vec<_> = record.headers().collect();
    assert_eq!(headers, [("n", Some(&b"41"[..])), ("null", None)]);
}

#[test]
fn a_wake_up_comes_only_when_a_queue_was_empty() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    let (mut member, assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    let mut queues = member.client.incremental_assign(&[at(&assigned[0], 0)]).unwrap();
    let queue = &mut queues[0];
    let mut messages: Vec<NativeMessage> = Vec::new();
    member.until("end", |_| {
        queue.consume(10, &mut messages);
        messages.iter().find_map(NativeMessage::end)
    });
    messages.clear();
    assert!(!queue.is_ready());

    for first in [0, 10] {
        let before = member.wakes.load(Ordering::Relaxed);
        produce(&topic, 0, first, 10);
        member.until("wake-up", |_| queue.is_ready().then_some(()));
        assert!(member.wakes.load(Ordering::Relaxed) > before);
        let mut read = 0;
        while read < 10 {
            member.until("records", |_| queue.is_ready().then_some(()));
            let count = queue.consume(7, &mut messages);
            assert_eq!(queue.is_ready(), count == 7, "only a short batch says that it is empty");
            read += messages.drain(..).filter(|it| it.error().is_none()).count();
        }
    }
}

#[test]
fn a_seek_returns_nothing_of_before() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    produce(&topic, 0, 0, 1000);
    let (mut member, assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    let mut queues = member.client.incremental_assign(&[at(&assigned[0], 0)]).unwrap();
    let mut messages: Vec<NativeMessage> = Vec::new();
    member.until("records", |_| {
        queues[0].consume(10, &mut messages);
        (messages.len() >= 10).then_some(())
    });
    for target in [700, 0, 300] {
        messages.clear();
        let results = member.client.seek(&[at(&assigned[0], target)], PATIENCE).unwrap();
        assert_eq!(results, [(assigned[0].clone(), Ok(()))]);
        member.until("records", |_| {
            queues[0].consume(10, &mut messages);
            messages.first().map(|_| ())
        });
        assert_eq!(messages[0].offset().get(), target);
    }
}

#[test]
fn a_seek_of_a_partition_that_is_not_assigned_says_so() {
    let (topic, group) = (broker::topic(2), broker::unique("group"));
    let (mut member, _) = Member::joined(&group, &topic, &[COOPERATIVE]);
    member.start(&[partition(&topic, 0)], 0);
    member.end(&partition(&topic, 0));
    let results = member.client.seek(&[at(&partition(&topic, 1), 0)], PATIENCE).unwrap();
    assert_eq!(results, [(partition(&topic, 1), Err(Code::STATE))]);
}

#[test]
fn row_011_the_end_lies_behind_transaction_markers() {
    for (end, isolation, records) in [
        (End::Commit, "read_committed", 3),
        (End::Abort, "read_committed", 0),
        (End::Abort, "read_uncommitted", 3),
    ] {
        let (topic, group) = (broker::topic(1), broker::unique("group"));
        produce_transaction(&topic, 0, 3, end);
        let options = [COOPERATIVE, ("isolation.level", isolation)];
        let (mut member, assigned) = Member::joined(&group, &topic, &options);
        member.start(&assigned, 0);
        // Under read committed the first end that is seen may be the one before the marker.
        member.until("end behind three records and a marker", |member| {
            (member.ends.get(&assigned[0]) == Some(&4)).then_some(())
        });
        assert_eq!(member.records.len(), records);
    }
}

#[test]
fn row_042_a_position_outside_of_the_log_is_an_error_and_not_a_reset() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    produce(&topic, 0, 0, 5);
    let (mut member, assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    member.start(&assigned, 99);
    let (of, code) = member.until("error", |member| member.errors.pop());
    assert_eq!((of, code.name().as_str()), (assigned[0].clone(), "_AUTO_OFFSET_RESET"));
    // librdkafka has stopped reading it, and refuses to seek; assigned anew it goes on.
    let results = member.client.seek(&[at(&assigned[0], 2)], PATIENCE).unwrap();
    assert_eq!(results, [(assigned[0].clone(), Err(Code::STATE))]);
    member.release(&assigned);
    member.start(&assigned, 2);
    member.read(3);
    assert_eq!(member.offsets(), [2, 3, 4]);
}

#[test]
fn messages_outlive_the_client() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    produce(&topic, 0, 0, 10);
    let (mut member, assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    let mut queues = member.client.incremental_assign(&[at(&assigned[0], 0)]).unwrap();
    let mut messages: Vec<NativeMessage> = Vec::new();
    member.until("records", |_| {
        queues[0].consume(100, &mut messages);
        (messages.iter().filter(|it| it.error().is_none()).count() == 10).then_some(())
    });
    drop(queues);
    member.close();
    let reader = std::thread::spawn(move || {
        messages.iter().filter_map(|it| it.payload()).map(<[u8]>::len).sum::<usize>()
    });
    assert_eq!(reader.join().unwrap(), 10);
}
