//! Batch handlers.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::time::Duration;

use surefoot::{Batch, CommitAnswer, CommitPolicy, RunError};

use crate::setup::{Setup, at};

#[tokio::test]
async fn batches_bring_every_record_once_and_none_is_larger_than_allowed() {
    let setup = Setup::new(1000);
    let max = NonZeroUsize::new(64).unwrap();
    let consumer = setup.consumer().max_batch_records(max).build().unwrap();
    let handle = consumer.handle();
    let seen = RefCell::new(Vec::new());
    let handler = async |batch: Batch| {
        assert!(batch.len() <= 64);
        assert_eq!(batch.topic_partition(), setup.partition());
        seen.borrow_mut().extend(batch.iter().map(|record| record.offset().get()));
        if seen.borrow().len() == 1000 {
            handle.stop();
        }
        Ok(())
    };
    consumer.run_batch(handler).await.unwrap();
    assert_eq!(seen.into_inner(), (0..1000).collect::<Vec<_>>());
    assert_eq!(setup.committed(), Some(1000));
}

#[tokio::test]
async fn what_a_batch_finished_can_be_committed_while_its_handler_runs() {
    let setup = Setup::new(100);
    let consumer = setup.consumer().commit_policy(CommitPolicy::Manual).build().unwrap();
    let handle = consumer.handle();
    let handler = async |batch: Batch| {
        let middle = batch.records()[batch.len() / 2].offset();
        batch.finish(middle)?;
        while handle.snapshot().await?.partitions[0].frontier != Some(middle.next()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(handle.commit().await?, CommitAnswer::Committed);
        assert_eq!(setup.committed(), Some(middle.next().get()));
        handle.stop();
        Ok(())
    };
    consumer.run_batch(handler).await.unwrap();
}

#[tokio::test]
async fn a_record_that_fails_stops_the_consumer_and_the_rest_of_its_batch_is_done() {
    let setup = Setup::new(30);
    let consumer = setup.consumer().build().unwrap();
    let calls = Cell::new(0);
    let handler = async |batch: Batch| {
        calls.set(calls.get() + 1);
        Ok(batch.fail(at(12), "bad bytes")?)
    };
    let error = consumer.run_batch(handler).await.unwrap_err();
    let RunError::HandlerFailed { offset, source, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*offset, source.to_string().as_str()), (at(12), "bad bytes"));
    assert_eq!(calls.get(), 1);
    assert_eq!(setup.committed(), Some(12));
}
