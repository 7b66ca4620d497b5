//! How runs end, and where the next one begins.

use std::cell::RefCell;
use std::time::Duration;

use surefoot::{
    CommitPolicy, Consumer, Delivery, Failure, Guarantee, ProcessingOrder, RunError, StartError,
};
use tokio::sync::Notify;

use crate::broker;
use crate::setup::{Setup, at};

/// Runs until `count` records were handled, and returns their offsets.
async fn handle(consumer: Consumer, count: usize) -> Vec<i64> {
    let handle = consumer.handle();
    let seen = RefCell::new(Vec::new());
    let handler = async |delivery: Delivery| {
        seen.borrow_mut().push(delivery.offset().get());
        if seen.borrow().len() == count {
            handle.stop();
        }
        Ok(())
    };
    consumer.run(handler).await.unwrap();
    seen.into_inner()
}

#[tokio::test]
async fn a_run_that_stops_leaves_nothing_to_repeat_and_the_next_one_goes_on() {
    let setup = Setup::new(100);
    let order = ProcessingOrder::Partition;
    let first = handle(setup.consumer().processing_order(order).build().unwrap(), 40).await;
    assert_eq!(setup.committed(), Some(first.len() as i64));
    let rest = 100 - first.len();
    let second = handle(setup.consumer().processing_order(order).build().unwrap(), rest).await;
    assert_eq!([first, second].concat(), (0..100).collect::<Vec<_>>());
    assert_eq!(setup.committed(), Some(100));
}

#[tokio::test]
async fn at_most_once_commits_before_it_starts() {
    let setup = Setup::new(5);
    let seen = RefCell::new(Vec::new());
    let consumer = setup.consumer().guarantee(Guarantee::AtMostOnce).build().unwrap();
    let handle = consumer.handle();
    let handler = async |delivery: Delivery| {
        let committed = setup.committed().expect("a record that runs is covered");
        assert!(committed > delivery.offset().get());
        seen.borrow_mut().push(delivery.offset().get());
        if seen.borrow().len() == 5 {
            handle.stop();
        }
        Ok(())
    };
    consumer.run(handler).await.unwrap();
    assert_eq!(setup.committed(), Some(5));
}

#[tokio::test]
async fn a_handlers_error_stops_with_the_record_and_commits_nothing_past_it() {
    let setup = Setup::new(50);
    let handler = async |delivery: Delivery| match delivery.offset().get() {
        17 => Err(Failure::from("no such account")),
        _ => Ok(()),
    };
    let error = setup.consumer().build().unwrap().run(handler).await.unwrap_err();
    let RunError::HandlerFailed { partition, offset, source } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((partition, *offset), (&setup.partition(), at(17)));
    assert_eq!(source.to_string(), "no such account");
    assert_eq!(setup.committed(), Some(17));
    let next = handle(setup.consumer().build().unwrap(), 33).await;
    assert_eq!(next.first(), Some(&17));
}

#[tokio::test]
async fn a_panic_is_contained_and_does_the_same() {
    let setup = Setup::new(50);
    let handler = async |delivery: Delivery| {
        assert!(delivery.offset().get() < 17, "index out of bounds");
        Ok(())
    };
    let order = ProcessingOrder::Partition;
    let consumer = setup.consumer().processing_order(order).build().unwrap();
    let error = consumer.run(handler).await.unwrap_err();
    let RunError::HandlerPanicked { offset, message, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*offset, message.as_str()), (at(17), "index out of bounds"));
    assert_eq!(setup.committed(), Some(17));
}

#[tokio::test]
async fn a_stop_that_runs_out_of_time_says_what_still_runs() {
    let setup = Setup::new(3);
    let consumer = setup.consumer().build().unwrap();
    let handle = consumer.handle();
    let handler = async |delivery: Delivery| {
        if delivery.offset().get() == 1 {
            handle.stop_within(Duration::from_millis(300));
            std::future::pending::<()>().await;
        }
        Ok(())
    };
    let error = consumer.run(handler).await.unwrap_err();
    let RunError::DrainTimedOut { unfinished } = &error else { panic!("{error:?}") };
    assert_eq!(unfinished[0].partition, setup.partition());
    assert_eq!(unfinished[0].running, 1);
    assert_eq!(setup.committed(), Some(1));
}

#[tokio::test]
async fn an_abort_waits_for_nothing_and_commits_nothing() {
    let setup = Setup::new(3);
    let consumer = setup.consumer().commit_policy(CommitPolicy::Manual).build().unwrap();
    let handle = consumer.handle();
    let running = Notify::new();
    let handler = async |_| {
        running.notify_one();
        std::future::pending::<()>().await;
        Ok(())
    };
    let (result, ()) = tokio::join!(consumer.run(handler), async {
        running.notified().await;
        handle.abort();
    });
    assert!(matches!(result, Err(RunError::Aborted { .. })), "{result:?}");
    assert_eq!(setup.committed(), None);
}

#[tokio::test]
async fn a_stop_before_the_start_is_a_clean_end() {
    let setup = Setup::new(3);
    let consumer = setup.consumer().build().unwrap();
    consumer.handle().stop();
    consumer.run(async |_| panic!("nothing is handled")).await.unwrap();
}

#[tokio::test]
async fn a_run_can_be_spawned() {
    let setup = Setup::new(10);
    let consumer = setup.consumer().build().unwrap();
    let handle = consumer.handle();
    let run = tokio::spawn(consumer.run(async move |delivery: Delivery| {
        tokio::task::yield_now().await;
        if delivery.offset().get() == 9 {
            handle.stop();
        }
        Ok(())
    }));
    run.await.unwrap().unwrap();
    assert_eq!(setup.committed(), Some(10));
}

#[tokio::test]
async fn a_topic_that_does_not_exist_is_named() {
    let consumer = Consumer::builder(broker::bootstrap(), broker::unique("group"))
        .topics(["no-such-topic"])
        .build()
        .unwrap();
    let error = consumer.run(async |_| Ok(())).await.unwrap_err();
    assert!(
        matches!(
            &error,
            RunError::Start(StartError::UnknownTopic { topic }) if topic == "no-such-topic"
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_is_named_within_the_timeout() {
    let consumer = Consumer::builder("127.0.0.1:1", "group")
        .topics(["orders"])
        .start_timeout(Duration::from_millis(700))
        .build()
        .unwrap();
    let error = consumer.run(async |_| Ok(())).await.unwrap_err();
    let RunError::Start(StartError::NoBroker { .. }) = &error else { panic!("{error:?}") };
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
