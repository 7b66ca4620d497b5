//! Rebalances that are answered late, and what they do to reading.

use std::time::{Duration, Instant};

use surefoot_core::TopicPartition;

use crate::broker::{self, partition, produce};
use crate::member::{COOPERATIVE, EAGER, Member, at, entry};
use crate::native::{Event, RebalanceProtocol};

/// Lets both members answer whatever comes until `done`; the second starts at zero.
#[track_caller]
fn until_both(
    first: &mut Member,
    second: &mut Member,
    what: &str,
    mut done: impl FnMut(&mut Member, &mut Member) -> bool,
) {
    let deadline = Instant::now() + broker::PATIENCE;
    loop {
        first.pump();
        second.pump();
        if done(first, second) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "no {what}; first {:?} {:?}, second {:?}",
            first.events,
            first.records,
            second.events
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn next_assigned(member: &mut Member) -> Option<Vec<TopicPartition>> {
    let index = member.events.iter().position(|event| matches!(event, Event::Assigned(_)))?;
    let Event::Assigned(partitions) = member.events.remove(index) else { return None };
    Some(partitions)
}

fn next_revoked(member: &mut Member) -> Option<Vec<TopicPartition>> {
    let index = member.events.iter().position(|event| matches!(event, Event::Revoked { .. }))?;
    let Event::Revoked { partitions, .. } = member.events.remove(index) else { return None };
    Some(partitions)
}

#[test]
fn an_assignment_may_be_answered_late_and_in_parts() {
    let (topic, group) = (broker::topic(2), broker::unique("group"));
    produce(&topic, 0, 0, 3);
    produce(&topic, 1, 0, 3);
    // Nothing keeps the member in the group but its heartbeats: two session timeouts.
    let options = [COOPERATIVE, ("session.timeout.ms", "6000")];
    let (mut member, mut assigned) = Member::joined(&group, &topic, &options);
    let id = member.client.member_id();
    let answer_at = Instant::now() + Duration::from_secs(12);
    while Instant::now() < answer_at {
        member.pump();
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert!(member.events.is_empty(), "{:?}", member.events);
    assigned.sort();
    member.start(&assigned[..1], 1);
    member.read(2);
    member.start(&assigned[1..], 2);
    member.read(3);
    assert_eq!(member.offsets(), [1, 2, 2]);
    assert_eq!(member.client.member_id(), id);
    assert_eq!(member.client.rebalance_protocol(), RebalanceProtocol::Cooperative);
    member.close();
}

#[test]
fn an_assignment_may_be_answered_with_nothing_and_filled_in_later() {
    let (topic, group) = (broker::topic(4), broker::unique("group"));
    for index in 0..4 {
        produce(&topic, index, 0, 3);
    }
    let (mut first, mut assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    assigned.sort();
    first.start(&[], 0);
    first.start(&assigned[..1], 1);
    first.read(2);

    // The group takes partitions that were never added: the answer names those that were.
    let mut second = Member::new(&group, &[COOPERATIVE]);
    second.client.subscribe(&[&topic]).unwrap();
    let mut taken = Vec::new();
    until_both(&mut first, &mut second, "revocation", |first, _| {
        next_revoked(first).map(|revoked| taken = revoked).is_some()
    });
    assert_eq!(taken.len(), 2);
    let added: Vec<_> = taken.iter().filter(|it| **it == assigned[0]).cloned().collect();
    first.release(&added);
    let kept: Vec<_> = assigned.iter().filter(|it| !taken.contains(it)).cloned().collect();
    until_both(&mut first, &mut second, "hand over", |first, second| {
        if let Some(partitions) = next_assigned(first) {
            assert!(partitions.is_empty(), "{partitions:?} were its own before");
            first.start(&[], 0);
        }
        if let Some(partitions) = next_assigned(second) {
            second.start(&partitions, 0);
        }
        second.records.len() == 6
    });
    let missing: Vec<_> = kept.into_iter().filter(|it| *it != assigned[0]).collect();
    let before = first.records.len();
    first.start(&missing, 2);
    first.read(before + missing.len());
}

#[test]
fn row_050_a_rebalance_after_the_end_skips_nothing() {
    let (topic, group) = (broker::topic(2), broker::unique("group"));
    for index in 0..2 {
        produce(&topic, index, 0, 3);
    }
    let (mut first, assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    first.start(&assigned, 0);
    for index in 0..2 {
        assert_eq!(first.end(&partition(&topic, index)), 3);
    }
    // The second member takes one partition; librdkafka pauses both of the first's meanwhile.
    let mut second = Member::new(&group, &[COOPERATIVE]);
    second.client.subscribe(&[&topic]).unwrap();
    let mut taken = Vec::new();
    until_both(&mut first, &mut second, "revocation", |first, _| {
        next_revoked(first).map(|revoked| taken = revoked).is_some()
    });
    assert_eq!(taken.len(), 1);
    // While the pause lasts, one record comes to the partition that is kept, and is the next.
    let kept = partition(&topic, 1 - taken[0].partition);
    produce(&topic, kept.partition, 3, 1);
    first.release(&taken);
    until_both(&mut first, &mut second, "hand over", |first, second| {
        if let Some(partitions) = next_assigned(first) {
            first.start(&partitions, 0);
        }
        if let Some(partitions) = next_assigned(second) {
            second.start(&partitions, 0);
        }
        !second.queues.is_empty() && first.records.len() >= 7
    });
    let of_kept: Vec<_> = first.records.iter().filter(|it| it.0 == kept).map(|it| it.1).collect();
    assert_eq!(of_kept, [0, 1, 2, 3]);
    second.close();
    // The other answers what the leaving member gives back.
    drop(first);
}

#[test]
fn a_revocation_may_be_answered_late_with_a_commit_before() {
    for eager in [false, true] {
        let (topic, group) = (broker::topic(2), broker::unique("group"));
        produce(&topic, 0, 0, 5);
        let options = [if eager { EAGER } else { COOPERATIVE }];
        let (mut first, assigned) = Member::joined(&group, &topic, &options);
        let starts: Vec<_> = assigned.iter().map(|it| at(it, 0)).collect();
        let queues = if eager {
            first.client.assign(&starts).unwrap()
        } else {
            first.client.incremental_assign(&starts).unwrap()
        };
        first.queues.extend(assigned.iter().cloned().zip(queues));
        first.read(5);

        let mut second = Member::new(&group, &options);
        second.client.subscribe(&[&topic]).unwrap();
        let mut taken = Vec::new();
        until_both(&mut first, &mut second, "revocation", |first, _| {
            next_revoked(first).map(|revoked| taken = revoked).is_some()
        });
        assert_eq!(taken.len(), if eager { 2 } else { 1 });
        let late = Instant::now() + Duration::from_secs(3);
        while Instant::now() < late {
            first.pump();
            second.pump();
            std::thread::park_timeout(Duration::from_millis(50));
        }
        assert!(second.queues.is_empty());
        assert_eq!(first.commit(5, entry(&taken[0], 1)), None, "eager: {eager}");
        first.queues.retain(|partition, _| !taken.contains(partition));
        if eager {
            first.client.unassign().unwrap();
        } else {
            first.client.incremental_unassign(&taken).unwrap();
        }
        until_both(&mut first, &mut second, "hand over", |first, second| {
            if eager {
                let _ = next_assigned(first).map(|it| {
                    let starts: Vec<_> = it.iter().map(|it| at(it, 5)).collect();
                    first.client.assign(&starts).unwrap()
                });
                return next_assigned(second).is_some_and(|it| !it.is_empty());
            }
            if let Some(partitions) = next_assigned(first) {
                first.start(&partitions, 5);
            }
            next_assigned(second).is_some_and(|partitions| {
                second.start(&partitions, 0);
                !partitions.is_empty()
            })
        });
    }
}

#[test]
fn row_022_a_member_that_does_not_poll_loses_its_partitions() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    let options = [COOPERATIVE, ("session.timeout.ms", "6000"), ("max.poll.interval.ms", "6000")];
    let (mut member, assigned) = Member::joined(&group, &topic, &options);
    member.start(&assigned, 0);
    member.end(&assigned[0]);
    // Polling events is enough, whether or not there are any, and without reading the partition.
    let enough = Instant::now() + Duration::from_secs(8);
    while Instant::now() < enough {
        assert!(member.client.poll_event(Duration::from_millis(100)).is_none());
    }
    // Only the wake-ups are taken: neither the event queue nor the partition is read.
    let woken = member.wakes.load(std::sync::atomic::Ordering::Relaxed);
    let deadline = Instant::now() + Duration::from_secs(20);
    while member.wakes.load(std::sync::atomic::Ordering::Relaxed) == woken {
        assert!(Instant::now() < deadline, "nothing happened");
        std::thread::park_timeout(Duration::from_secs(1));
    }
    let (partitions, lost) = member.revoked();
    assert_eq!((partitions, lost), (assigned.clone(), true));
    member.event("reason", |event| match event {
        Event::Fault(fault) if fault.code.name() == "_MAX_POLL_EXCEEDED" => Some(()),
        _ => None,
    });
    let refused = member.commit(1, entry(&assigned[0], 0));
    assert!(refused.is_some(), "a commit after the partitions were lost");
    member.release(&assigned);
    let again = member.assigned();
    member.start(&again, 0);
    member.close();
}
