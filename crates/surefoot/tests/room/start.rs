//! Consumers that cannot start, and where they start when they can.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::time::Duration;

use surefoot_core::{EngineConfig, Guarantee, StartAt, StopReason};

use crate::broker;
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
    let at_end = |engine: &mut EngineConfig| engine.start.without_commit = StartAt::End;
    broker::produce(&topic, 0, 0, 5);
    let first = Options::new(&topic, &group).engine(at_end).start();
    first.wait_for_step("StartKnown");
    broker::produce(&topic, 0, 5, 5);
    first.wait_for_records(5);
    let (_, records, _) = first.stop();
    assert_eq!(records.iter().map(|(_, offset)| *offset).min(), Some(5));

    broker::add_partitions(&topic, 2);
    broker::produce(&topic, 1, 0, 5);
    let second = Options::new(&topic, &group).engine(at_end).start();
    second.wait_for_records(5);
    let (_, mut records, _) = second.stop();
    records.sort_unstable();
    assert_eq!(records, (0..5).map(|offset| (1, offset)).collect::<Vec<_>>());
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
