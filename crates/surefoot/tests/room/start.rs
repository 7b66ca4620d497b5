//! Consumers that cannot start, and where they start when they can.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use surefoot_core::{EngineConfig, Guarantee, HandlerOutcome, OutOfRange, StartAt, StopReason};

use crate::broker;
use crate::change;
use crate::link::Work;
use crate::member::Options;
use crate::room::{self, RoomConfig, RoomError, StartError};

fn ending(
    bootstrap_servers: String,
    topic: &str,
    options: &[(&str, &str)],
    patience: Duration,
) -> RoomError {
    let prepared = room::prepare(RoomConfig {
        bootstrap_servers,
        group: broker::unique("group"),
        topics: vec![topic.to_owned()],
        options: options.iter().map(|(o, v)| ((*o).to_owned(), (*v).to_owned())).collect(),
        engine: EngineConfig::new(Guarantee::AtLeastOnce),
        max_batch: NonZeroUsize::MIN,
        start_timeout: patience,
        observer: None,
    })
    .unwrap();
    let mut running = prepared.start().unwrap();
    assert!(matches!(running.work.blocking_recv(), Some(Work::Over)));
    running.ending.blocking_recv().unwrap().unwrap_err()
}

#[test]
fn a_topic_that_does_not_exist_is_named() {
    let error = ending(broker::bootstrap(), "no-such-topic", &[], broker::PATIENCE);
    insta::assert_snapshot!(
        error,
        @"topic `no-such-topic` does not exist: create it, or check the spelling"
    );
}

#[test]
fn a_port_where_nobody_listens_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = ending(format!("127.0.0.1:{port}"), "orders", &[], Duration::from_secs(2));
    let RoomError::Start(StartError::NoBroker { reason, .. }) = &error else { panic!("{error}") };
    assert!(reason.contains("refused"), "{error}");
}

#[test]
fn a_port_that_does_not_speak_tls_is_named() {
    let tls = [("security.protocol", "ssl")];
    let error = ending(broker::bootstrap(), "orders", &tls, Duration::from_secs(2));
    let RoomError::Start(StartError::Tls { .. } | StartError::NoBroker { .. }) = &error else {
        panic!("{error}")
    };
    assert!(error.to_string().contains("TLS"), "{error}");
}

#[test]
fn row_46_a_partition_added_later_starts_at_its_first_record() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    broker::produce(&topic, 0, 0, 5);
    let member = Options::new(&topic, &group)
        .set("topic.metadata.refresh.interval.ms", "1000")
        .engine(|engine| engine.start.without_commit = StartAt::End)
        .start();
    member.wait_for_step("StartKnown");
    broker::produce(&topic, 0, 5, 5);
    member.wait_for_records(5);
    change::add_partitions(&topic, 2);
    broker::produce(&topic, 1, 0, 5);
    member.wait_for_records(10);
    let (_, mut records, _) = member.stop();
    records.sort_unstable();
    let expected: Vec<_> = (5..10).map(|o| (0, o)).chain((0..5).map(|o| (1, o))).collect();
    assert_eq!(records, expected);
}

#[test]
fn no_committed_offset_stops_if_the_policy_says_so() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    let member = Options::new(&topic, &group)
        .engine(|engine| engine.start.without_commit = StartAt::Fail)
        .start();
    let exit = member.ending().unwrap();
    assert!(matches!(exit.stopped.reason, StopReason::NoStart { .. }), "{:?}", exit.stopped);
}

#[test]
fn row_42_a_reset_goes_on_where_the_log_begins_now() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    // One batch a record, so that one fetch does not take them all.
    for offset in 0..50 {
        broker::produce(&topic, 0, offset, 1);
    }
    let go = Arc::new(AtomicBool::new(false));
    let member = {
        let go = Arc::clone(&go);
        Options::new(&topic, &group)
            .set("queued.min.messages", "1")
            .set("fetch.message.max.bytes", "128")
            .engine(|engine| {
                engine.start.out_of_range = OutOfRange::Beginning;
                engine.budget.max_buffered_records = NonZeroUsize::MIN;
            })
            .start_with(move |_| {
                while !go.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
                HandlerOutcome::Done
            })
    };
    member.wait_for_records(1);
    change::delete_records(&topic, 0, 45);
    go.store(true, Ordering::Relaxed);
    member.wait("the last record is handled", |seen| seen.records.contains(&(0, 49)));
    let (exit, records, steps) = member.stop();
    assert_eq!(exit.stopped.unfinished, []);
    assert!((45..50).all(|offset| records.contains(&(0, offset))), "{records:?}");
    assert!(!records.contains(&(0, 44)), "{records:?}");
    let reset = steps.iter().find(|it| it.starts_with("Reset")).unwrap();
    assert!(reset.contains("to: >45"), "{reset}");
}
