//! Members that come and go, handlers that take long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use surefoot_core::HandlerOutcome;

use crate::broker;
use crate::link::Message;
use crate::member::{Member, Options};
use crate::room::Departure;

/// Produces while a second member comes and goes; nobody may handle a record twice or miss one.
fn graceful_changes_repeat_nothing(strategy: &str) {
    let (topic, group) = (broker::topic(4), broker::unique("group"));
    let start = || {
        Options::new(&topic, &group).set("partition.assignment.strategy", strategy).start_with(
            |_| {
                thread::sleep(Duration::from_micros(200));
                HandlerOutcome::Done
            },
        )
    };
    let produce = |round: usize| {
        for partition in 0..4 {
            broker::produce(&topic, partition, round * 250, 250);
        }
    };
    let steady = start();
    produce(0);
    produce(1);
    steady.wait_for_records(100);
    let mut all: Vec<(i32, i64)> = Vec::new();
    for round in 1..4 {
        let guest = start();
        produce(2 * round);
        guest.wait_for_step("StartKnown");
        produce(2 * round + 1);
        guest.wait_for_records(200);
        let (exit, records, _) = guest.stop();
        assert_eq!(exit.departure, Departure::Left);
        assert_eq!(exit.stopped.unfinished, []);
        all.extend(records);
    }
    let rest = 8000 - all.len();
    steady.wait_for_records(rest);
    let (exit, records, _) = steady.stop();
    assert_eq!(exit.stopped.unfinished, []);
    all.extend(records);
    let mut counts: BTreeMap<(i32, i64), usize> = BTreeMap::new();
    for record in all {
        *counts.entry(record).or_default() += 1;
    }
    let repeated: Vec<_> =
        counts.iter().filter(|(_, count)| **count > 1).map(|(record, _)| record).collect();
    let first_and_last = (repeated.first(), repeated.last());
    assert!(repeated.is_empty(), "{} repeated: {first_and_last:?}", repeated.len());
    assert_eq!(counts.len(), 8000);
}

#[test]
fn graceful_changes_repeat_nothing_cooperatively() {
    graceful_changes_repeat_nothing("cooperative-sticky");
}

#[test]
fn graceful_changes_repeat_nothing_eagerly() {
    graceful_changes_repeat_nothing("range");
}

#[test]
fn row_64_a_handler_longer_than_the_poll_interval_keeps_its_partitions() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    broker::produce(&topic, 0, 0, 3);
    let member = Options::new(&topic, &group)
        .set("session.timeout.ms", "6000")
        .set("max.poll.interval.ms", "6000")
        .engine(|engine| engine.drain_deadline = Duration::from_secs(3))
        .start_with(|record| {
            if record.offset().get() == 1 {
                thread::sleep(Duration::from_secs(13));
            }
            HandlerOutcome::Done
        });
    member.wait_for_records(3);
    let (exit, records, steps) = member.stop();
    assert_eq!(records, [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(exit.stopped.unfinished, []);
    assert!(!steps.iter().any(|it| it.starts_with("Lost") || it.starts_with("Revoking")));
    assert_eq!(steps.iter().filter(|it| it.starts_with("Assigned")).count(), 1);
}

#[test]
fn row_15_a_revocation_waits_for_the_handler_and_the_next_owner_starts_behind_it() {
    let (topic, group) = (broker::topic(2), broker::unique("group"));
    broker::produce(&topic, 0, 0, 1);
    broker::produce(&topic, 1, 0, 1);
    let go = Arc::new(AtomicBool::new(false));
    let first: Member = {
        let go = Arc::clone(&go);
        Options::new(&topic, &group).start_with(move |_| {
            while !go.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            HandlerOutcome::Done
        })
    };
    first.wait_for_records(1);
    let second = Options::new(&topic, &group).start();
    first.wait_for_step("Revoking");
    let asked_at = Instant::now();
    assert!(!first.steps().iter().any(|it| it.starts_with("Revoked")));
    go.store(true, Ordering::Relaxed);
    first.wait_for_step("Revoked");
    assert!(asked_at.elapsed() < Duration::from_secs(3));
    second.wait_for_step("StartKnown");
    let (_, second, _) = second.stop();
    let (_, first, _) = first.stop();
    assert_eq!(second, []);
    assert_eq!(first.len(), 2);
}

#[test]
fn a_stop_that_runs_out_of_time_during_a_revocation_still_leaves_the_group() {
    let (topic, group) = (broker::topic(2), broker::unique("group"));
    broker::produce(&topic, 0, 0, 1);
    broker::produce(&topic, 1, 0, 1);
    let go = Arc::new(AtomicBool::new(false));
    let first: Member = {
        let go = Arc::clone(&go);
        Options::new(&topic, &group).start_with(move |_| {
            while !go.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            HandlerOutcome::Done
        })
    };
    first.wait_for_records(1);
    let second = Options::new(&topic, &group).start();
    first.wait_for_step("Revoking");
    first.sender.send(Message::Stop(Some(Duration::from_millis(200)))).unwrap();
    first.wait_for_step("Left");
    go.store(true, Ordering::Relaxed);
    let exit = first.ending().unwrap();
    assert_eq!(exit.departure, Departure::Left);
    assert_ne!(exit.stopped.unfinished, []);
    second.wait_for_records(2);
    second.stop();
}
