//! Reading, committing, stopping.

use std::num::NonZeroU32;

use surefoot_core::{CommitPolicy, EngineConfig, Guarantee, HandlerOutcome, StopReason};

use crate::broker::{self, End};
use crate::member::Options;
use crate::room::Departure;

#[test]
fn everything_is_handled_and_committed_and_a_successor_goes_on_there() {
    let (topic, group) = (broker::topic(3), broker::unique("group"));
    for partition in 0..3 {
        broker::produce(&topic, partition, 0, 500);
    }
    let first = Options::new(&topic, &group).start();
    first.wait_for_records(1500);
    let (exit, mut records, _) = first.stop();
    assert_eq!(exit.departure, Departure::Left);
    assert_eq!(exit.stopped.reason, StopReason::Requested);
    assert_eq!(exit.stopped.unfinished, []);
    records.sort_unstable();
    let expected: Vec<_> = (0..3).flat_map(|p| (0..500).map(move |o| (p, o))).collect();
    assert_eq!(records, expected);

    broker::produce(&topic, 1, 500, 1);
    let second = Options::new(&topic, &group).start();
    second.wait_for_records(1);
    let (exit, records, _) = second.stop();
    assert_eq!(records, [(1, 500)]);
    assert_eq!(exit.departure, Departure::Left);
}

#[test]
fn batches_are_handled_as_units_and_committed() {
    let (topic, group) = (broker::topic(2), broker::unique("group"));
    broker::produce(&topic, 0, 0, 1000);
    broker::produce(&topic, 1, 0, 1000);
    let member = Options::new(&topic, &group).batches().start();
    member.wait_for_records(2000);
    let partitions = vec![broker::partition(&topic, 0), broker::partition(&topic, 1)];
    member.wait_for_snapshot("all is committed", |it| it.lag() == 0 && it.partitions.len() == 2);
    assert_eq!(member.committed(partitions), [Some(1000), Some(1000)]);
    let (exit, records, _) = member.stop();
    assert_eq!(records.len(), 2000);
    assert_eq!(exit.stopped.unfinished, []);
}

#[test]
fn at_most_once_commits_each_record_before_it_starts() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    broker::produce(&topic, 0, 0, 20);
    let member = Options::new(&topic, &group)
        .engine(|engine| {
            *engine = EngineConfig::new(Guarantee::AtMostOnce);
            engine.commit = CommitPolicy::Auto { every_records: NonZeroU32::new(5), every: None };
        })
        .start();
    member.wait_for_records(20);
    let (exit, records, steps) = member.stop();
    assert_eq!(records.len(), 20);
    assert_eq!(exit.stopped.unfinished, []);
    assert!(steps.iter().filter(|it| it.contains("CommitSent")).count() >= 4);
}

#[test]
fn rows_11_and_52_the_position_behind_trailing_markers_is_committed() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    broker::produce_transaction(&topic, 0, 10, End::Commit);
    broker::produce_transaction(&topic, 0, 10, End::Abort);
    let member = Options::new(&topic, &group).start();
    member.wait_for_records(10);
    // Ten records and a marker, twice.
    member.wait_for_snapshot("lag is zero", |it| {
        it.partitions.iter().any(|it| it.committed.is_some_and(|it| it.get() == 22))
    });
    assert_eq!(member.snapshot().lag(), 0);
    let (exit, records, _) = member.stop();
    assert_eq!(records.len(), 10);
    assert_eq!(exit.stopped.unfinished, []);
}

#[test]
fn a_failed_record_stops_the_consumer_and_is_not_committed() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    broker::produce(&topic, 0, 0, 10);
    let member = Options::new(&topic, &group).start_with(|record| {
        if record.offset().get() == 4 { HandlerOutcome::Failed } else { HandlerOutcome::Done }
    });
    let exit = member.ending().unwrap();
    let StopReason::HandlerFailed { partition, offset, panicked: false } = exit.stopped.reason
    else {
        panic!("{:?}", exit.stopped)
    };
    assert_eq!((partition, offset.get()), (broker::partition(&topic, 0), 4));
    assert_eq!(exit.departure, Departure::Left);

    let next = Options::new(&topic, &group).start();
    next.wait_for_records(6);
    let (_, mut records, _) = next.stop();
    records.sort_unstable();
    assert_eq!(records[0], (0, 4));
}

#[test]
fn row_110_a_stop_before_the_first_assignment_is_prompt() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    let member = Options::new(&topic, &group).start();
    let (exit, records, _) = member.stop();
    assert_eq!(records, []);
    assert_ne!(exit.departure, Departure::Abandoned);
}

#[test]
fn an_abort_commits_nothing_more() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    broker::produce(&topic, 0, 0, 10);
    let member =
        Options::new(&topic, &group).engine(|engine| engine.commit = CommitPolicy::Manual).start();
    member.wait_for_records(10);
    let exit = member.abort();
    assert_eq!(exit.stopped.reason, StopReason::Aborted);
    assert_eq!(exit.departure, Departure::Abandoned);
}
