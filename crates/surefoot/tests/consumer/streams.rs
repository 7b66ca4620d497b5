//! Streams of deliveries that the application acknowledges.

use futures_util::TryStreamExt;
use surefoot::{ProcessingOrder, RunError};

use crate::setup::{Setup, at};

#[tokio::test]
async fn deliveries_are_acknowledged_in_any_order_and_from_any_task() {
    let setup = Setup::new(20);
    let order = ProcessingOrder::Unordered;
    let consumer = setup.consumer().processing_order(order).build().unwrap();
    let handle = consumer.handle();
    let mut deliveries = consumer.into_stream();
    let mut held = Vec::new();
    while held.len() < 20 {
        held.push(deliveries.next().await.unwrap().unwrap());
    }
    let acknowledging = tokio::spawn(async move {
        while let Some(delivery) = held.pop() {
            delivery.done();
        }
        handle.stop();
    });
    assert!(deliveries.try_next().await.unwrap().is_none());
    acknowledging.await.unwrap();
    assert_eq!(setup.committed(), Some(20));
}

#[tokio::test]
async fn a_delivery_that_is_dropped_counts_as_failed() {
    let setup = Setup::new(20);
    let mut deliveries = setup.consumer().build().unwrap().into_stream();
    let error = loop {
        match deliveries.next().await.unwrap() {
            Ok(delivery) if delivery.offset() == at(7) => drop(delivery),
            Ok(delivery) => delivery.done(),
            Err(error) => break error,
        }
    };
    let RunError::HandlerFailed { offset, source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*offset, at(7));
    assert_eq!(source.to_string(), "the delivery was dropped without an acknowledgement");
    assert!(deliveries.next().await.is_none());
    assert_eq!(setup.committed(), Some(7));
}

#[tokio::test]
async fn a_stream_that_is_dropped_commits_what_was_acknowledged_and_leaves() {
    let setup = Setup::new(20);
    let consumer = setup.consumer().build().unwrap();
    let mut events = consumer.handle().events();
    let mut deliveries = consumer.into_stream();
    let first = deliveries.next().await.unwrap().unwrap();
    drop(deliveries);
    first.done();
    // The events end with the consumer.
    while events.next().await.is_some() {}
    assert_eq!(setup.committed(), Some(1));
}
