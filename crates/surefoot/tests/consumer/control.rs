//! Control of a consumer that runs.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::time::Duration;

use surefoot::{
    AssignmentEvent, CommitAnswer, CommitPolicy, ControlError, Delivery, Failure, Handle, Position,
    RunError, SeekAnswer, SeekTo,
};
use tokio::sync::Semaphore;

use crate::broker;
use crate::setup::{Setup, position};

/// Runs a consumer that commits only when asked, and `control` beside it. Records from `gate` on
/// wait until the gate is opened.
async fn beside<F>(
    setup: &Setup,
    gate: i64,
    control: impl FnOnce(Handle) -> F,
) -> (Vec<i64>, Semaphore)
where
    F: Future<Output = Result<(), Failure>>,
{
    let opened = Semaphore::new(0);
    let seen = RefCell::new(Vec::new());
    let consumer = setup.consumer().commit_policy(CommitPolicy::Manual).build().unwrap();
    let handle = consumer.handle();
    let handler = async |delivery: Delivery| {
        let offset = delivery.offset().get();
        if offset >= gate {
            tokio::select! {
                permit = opened.acquire() => permit?.forget(),
                () = delivery.cancelled() => return Err("cancelled".into()),
            }
        }
        seen.borrow_mut().push(offset);
        Ok(())
    };
    let (run, control) = tokio::join!(consumer.run(handler), async {
        let result = control(handle.clone()).await;
        opened.add_permits(1000);
        handle.stop();
        result
    });
    control.unwrap();
    run.unwrap();
    (seen.into_inner(), opened)
}

/// Asks until the only partition's frontier is here.
async fn frontier(handle: &Handle, wanted: Position) -> Result<(), ControlError> {
    loop {
        let snapshot = handle.snapshot().await?;
        if snapshot.partitions.first().and_then(|held| held.frontier) == Some(wanted) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_is_finished_is_committed_on_demand_and_no_more() {
    let setup = Setup::new(20);
    beside(&setup, 8, async |handle: Handle| {
        frontier(&handle, position(8)).await?;
        assert_eq!(handle.committed([]).await?, [(setup.partition(), None)]);
        assert_eq!(handle.commit().await?, CommitAnswer::Committed);
        assert_eq!(handle.commit().await?, CommitAnswer::Committed);
        assert_eq!(handle.committed([]).await?, [(setup.partition(), Some(position(8)))]);
        assert_eq!(setup.committed(), Some(8));
        Ok(())
    })
    .await;
    // Manual: a stop commits nothing by itself.
    assert_eq!(setup.committed(), Some(8));
}

#[tokio::test]
async fn a_chosen_position_is_committed_or_refused_with_the_reason() {
    let setup = Setup::new(20);
    beside(&setup, 8, async |handle: Handle| {
        frontier(&handle, position(8)).await?;
        let at = |offset| [(setup.partition(), position(offset))];
        assert_eq!(handle.commit_at(at(5)).await?, CommitAnswer::Committed);
        assert_eq!(setup.committed(), Some(5));
        let below = handle.commit_at(at(4)).await.unwrap_err();
        assert!(matches!(below, ControlError::BelowCommitted { .. }), "{below:?}");
        let running = handle.commit_at(at(10)).await.unwrap_err();
        assert!(matches!(running, ControlError::Running { .. }), "{running:?}");
        let above = handle.commit_at(at(1000)).await.unwrap_err();
        assert!(matches!(above, ControlError::AboveRead { .. }), "{above:?}");
        let stranger = surefoot::TopicPartition::new("stranger", 0);
        let stranger = handle.commit_at([(stranger, position(1))]).await.unwrap_err();
        assert!(matches!(stranger, ControlError::NotAssigned { .. }), "{stranger:?}");
        Ok(())
    })
    .await;
    assert_eq!(setup.committed(), Some(5));
}

#[tokio::test]
async fn a_seek_goes_on_elsewhere_and_forgets_what_was_read() {
    let setup = Setup::new(50);
    let (seen, _) = beside(&setup, 8, async |handle: Handle| {
        frontier(&handle, position(8)).await?;
        let to = SeekTo::Position(position(3));
        assert_eq!(handle.seek(setup.partition(), to).await?, SeekAnswer::Moved);
        frontier(&handle, position(8)).await?;
        assert_eq!(handle.seek(setup.partition(), SeekTo::End).await?, SeekAnswer::Moved);
        frontier(&handle, position(50)).await?;
        assert_eq!(handle.positions().await?, [(setup.partition(), position(50))]);
        Ok(())
    })
    .await;
    let mut seen = seen;
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
}

#[tokio::test]
async fn a_seek_back_is_where_a_restart_goes_on() {
    let setup = Setup::new(20);
    let consumer = setup.consumer().build().unwrap();
    let handle = consumer.handle();
    let is_sought = Cell::new(false);
    let handler = async |delivery: Delivery| {
        if is_sought.get() {
            delivery.cancelled().await;
        }
        Ok(())
    };
    let (run, ()) = tokio::join!(consumer.run(handler), async {
        frontier(&handle, position(20)).await.unwrap();
        handle.commit().await.unwrap();
        assert_eq!(setup.committed(), Some(20));
        is_sought.set(true);
        let to = SeekTo::Position(position(5));
        assert_eq!(handle.seek(setup.partition(), to).await.unwrap(), SeekAnswer::Moved);
        assert_eq!(handle.commit().await.unwrap(), CommitAnswer::Committed);
        assert_eq!(setup.committed(), Some(5));
        handle.abort();
    });
    assert!(matches!(run, Err(RunError::Aborted { .. })), "{run:?}");
}

#[tokio::test]
async fn a_paused_topic_starts_nothing_and_resumes_where_it_was() {
    let setup = Setup::new(5);
    let (seen, _) = beside(&setup, 1000, async |handle: Handle| {
        frontier(&handle, position(5)).await?;
        handle.pause_topic(&setup.topic).await?;
        broker::produce(&setup.topic, 0, 5, 5);
        // Two round trips to the thread that reads, and one to the broker: time to read on.
        let times = handle.offsets_for_time([], 0).await?;
        assert_eq!(times, [(setup.partition(), Some(position(0)))]);
        let snapshot = handle.snapshot().await?;
        let held = snapshot.partition(&setup.partition()).unwrap();
        assert_eq!(held.paused, [surefoot::PauseReason::User]);
        assert_eq!((held.in_flight, held.frontier), (0, Some(position(5))));
        handle.resume_topic(&setup.topic).await?;
        frontier(&handle, position(10)).await?;
        Ok(())
    })
    .await;
    assert_eq!(seen.len(), 10);
}

#[tokio::test]
async fn lag_falls_to_zero_as_records_are_committed() {
    let setup = Setup::new(20);
    beside(&setup, 1000, async |handle: Handle| {
        frontier(&handle, position(20)).await?;
        handle.commit().await?;
        while handle.lag().await? != [(setup.partition(), 0)] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        broker::produce(&setup.topic, 0, 20, 7);
        frontier(&handle, position(27)).await?;
        while handle.lag().await? != [(setup.partition(), 7)] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn events_tell_when_partitions_come_and_go() {
    let setup = Setup::new(1);
    let consumer = setup.consumer().build().unwrap();
    let (handle, mut events) = (consumer.handle(), consumer.handle().events());
    consumer
        .run(async |_| {
            handle.stop();
            Ok(())
        })
        .await
        .unwrap();
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        seen.push(match event {
            AssignmentEvent::Assigned { partition, .. } => ("assigned", partition),
            AssignmentEvent::Started { partition, .. } => ("started", partition),
            AssignmentEvent::Revoked { partition, .. } => ("revoked", partition),
            other => panic!("{other:?}"),
        });
    }
    let partition = setup.partition();
    assert_eq!(seen, ["assigned", "started", "revoked"].map(|what| (what, partition.clone())));
    assert_eq!(handle.commit().await, Err(ControlError::NotRunning));
}
