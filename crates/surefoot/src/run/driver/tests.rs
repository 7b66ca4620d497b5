//! Handlers fed by hand: work goes in, reports come out.

use std::sync::mpsc;
use std::time::Duration;

use surefoot_core::{FIRST_ATTEMPT, HandlerOutcome, Offset, Term, Token};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::*;
use crate::link::{Message, link};
use crate::run::Blamed;

const TERM: Term = Term::new(7);

/// The engine's thread's end of a driver.
struct Room {
    work: UnboundedSender<Work>,
    messages: mpsc::Receiver<Message>,
    desk: Arc<Desk>,
}

fn room() -> (Room, UnboundedReceiver<Work>) {
    let (sender, messages) = link();
    let (work, taken) = unbounded_channel();
    (Room { work, messages, desk: Arc::new(Desk::new(sender, None)) }, taken)
}

impl Room {
    fn deliver(&self, offsets: impl IntoIterator<Item = i64>) {
        let records = offsets
            .into_iter()
            .map(|offset| (delivery(offset, offset, 1), Record::planted(offset)));
        self.send(Work::Records(records.collect()));
    }

    fn deliver_batch(&self, offsets: &[i64]) {
        let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
        let deliver = delivery(first, last, u32::try_from(offsets.len()).unwrap());
        let records = offsets.iter().map(|&offset| Record::planted(offset)).collect();
        self.send(Work::Batch(deliver, records));
    }

    fn send(&self, work: Work) {
        self.work.send(work).unwrap();
    }

    /// What was reported so far: first offset, last offset and outcome of each part.
    fn reports(&self) -> Vec<(i64, i64, HandlerOutcome)> {
        let mut reports = Vec::new();
        while let Ok(message) = self.messages.try_recv() {
            let Message::Reports(more) = message else { panic!("{message:?}") };
            for report in more {
                assert_eq!((report.term, report.attempt), (TERM, FIRST_ATTEMPT));
                reports.push((report.first.get(), report.last.get(), report.outcome));
            }
        }
        reports
    }

    /// Waits for the next message with reports.
    fn next_reports(&self) -> usize {
        match self.messages.recv_timeout(Duration::from_secs(10)).unwrap() {
            Message::Reports(reports) => reports.len(),
            other => panic!("{other:?}"),
        }
    }

    fn blamed(&self) -> Vec<(i64, String)> {
        let of = |it: Blamed| (it.offset.get(), it.why.to_string());
        self.desk.take_blamed().into_iter().map(of).collect()
    }
}

fn delivery(first: i64, last: i64, count: u32) -> Deliver {
    Deliver {
        term: TERM,
        first: Offset::new(first),
        last: Offset::new(last),
        count,
        attempt: FIRST_ATTEMPT,
        token: Token(0),
    }
}

async fn run_records<F>(
    room: &Room,
    mut work: UnboundedReceiver<Work>,
    call: impl Fn(Delivery) -> F,
) where
    F: Future<Output = Result<(), Failure>>,
{
    Driver::new(&mut work, Arc::clone(&room.desk), call).run().await;
}

async fn run_batches<F>(room: &Room, mut work: UnboundedReceiver<Work>, call: impl Fn(Batch) -> F)
where
    F: Future<Output = Result<(), Failure>>,
{
    Driver::new(&mut work, Arc::clone(&room.desk), call).run().await;
}

#[tokio::test]
async fn each_record_is_reported_as_its_call_ended() {
    let (room, work) = room();
    room.deliver(0..4);
    room.send(Work::Over);
    run_records(&room, work, async |delivery: Delivery| match delivery.offset().get() {
        1 => Err("no such account".into()),
        2 => panic!("index out of bounds"),
        _ => Ok(()),
    })
    .await;
    use HandlerOutcome::{Done, Failed, Panicked};
    assert_eq!(room.reports(), [(0, 0, Done), (1, 1, Failed), (2, 2, Panicked), (3, 3, Done)]);
    let said = [(1, "no such account".to_owned()), (2, "index out of bounds".to_owned())];
    assert_eq!(room.blamed(), said);
}

#[tokio::test]
async fn the_ends_of_one_turn_travel_together() {
    let (room, work) = room();
    room.deliver(0..100);
    room.send(Work::Over);
    run_records(&room, work, async |_| Ok(())).await;
    assert_eq!(room.next_reports(), 100);
    assert_eq!(room.reports(), []);
}

#[tokio::test]
async fn a_record_that_waits_does_not_hold_up_another() {
    let (room, work) = room();
    room.deliver(0..2);
    let (go, wait) = oneshot::channel::<()>();
    let wait = std::sync::Mutex::new(Some(wait));
    let run = run_records(&room, work, async |delivery: Delivery| {
        let wait = wait.lock().unwrap().take().filter(|_| delivery.offset().get() == 0);
        if let Some(wait) = wait {
            wait.await?;
        }
        Ok(())
    });
    let other = async {
        tokio::task::yield_now().await;
        assert_eq!(room.reports(), [(1, 1, HandlerOutcome::Done)]);
        go.send(()).unwrap();
        tokio::task::yield_now().await;
        assert_eq!(room.reports(), [(0, 0, HandlerOutcome::Done)]);
        room.send(Work::Over);
    };
    tokio::join!(run, other);
}

#[tokio::test]
async fn what_still_runs_when_all_is_over_is_dropped_and_not_reported() {
    let (room, work) = room();
    room.deliver(0..1);
    room.send(Work::Over);
    run_records(&room, work, async |_| std::future::pending().await).await;
    assert_eq!(room.reports(), []);
}

#[tokio::test]
async fn handlers_that_never_wait_leave_the_runtime_to_others() {
    let (room, work) = room();
    room.deliver(0..10_000);
    let run = run_records(&room, work, async |_| Ok(()));
    let other = async {
        tokio::task::yield_now().await;
        let seen = room.reports().len();
        assert!((1..1_000).contains(&seen), "{seen} records before anybody else ran");
        room.send(Work::Over);
    };
    tokio::join!(run, other);
    assert!(room.reports().len() > 9_000);
}

#[tokio::test]
async fn an_error_of_a_cancelled_delivery_stops_nothing() {
    let (room, work) = room();
    room.deliver(0..2);
    room.send(Work::Cancel(TERM));
    let run = run_records(&room, work, async |delivery: Delivery| {
        delivery.cancelled().await;
        assert!(delivery.is_cancelled());
        if delivery.offset().get() == 0 { Err("given up".into()) } else { Ok(()) }
    });
    let other = async {
        tokio::task::yield_now().await;
        room.send(Work::Over);
    };
    tokio::join!(run, other);
    use HandlerOutcome::{Cancelled, Done};
    assert_eq!(room.reports(), [(0, 0, Cancelled), (1, 1, Done)]);
    assert_eq!(room.blamed(), []);
}

#[tokio::test]
async fn a_batch_is_done_as_a_whole() {
    check_batch(async |_| Ok(()), &[(0, 9, HandlerOutcome::Done)]).await;
}

#[tokio::test]
async fn a_batch_that_fails_fails_as_a_whole() {
    check_batch(async |_| Err("down".into()), &[(0, 9, HandlerOutcome::Failed)]).await;
}

#[tokio::test]
async fn a_finished_part_of_a_batch_stays_done_when_the_rest_fails() {
    use HandlerOutcome::{Done, Failed};
    check_batch(
        async |batch: Batch| {
            batch.finish(Offset::new(4))?;
            batch.finish(Offset::new(2))?;
            Err("down".into())
        },
        &[(0, 4, Done), (7, 9, Failed)],
    )
    .await;
}

#[tokio::test]
async fn a_position_in_a_gap_finishes_what_lies_below() {
    use HandlerOutcome::{Done, Panicked};
    check_batch(
        async |batch: Batch| {
            batch.finish(Offset::new(6))?;
            panic!("here")
        },
        &[(0, 4, Done), (7, 9, Panicked)],
    )
    .await;
}

#[tokio::test]
async fn a_failed_record_is_left_out_of_what_is_finished() {
    use HandlerOutcome::{Done, Failed};
    check_batch(
        async |batch: Batch| {
            batch.fail(Offset::new(2), "bad bytes")?;
            batch.finish(Offset::new(7))?;
            Ok(())
        },
        &[(0, 1, Done), (4, 7, Done), (8, 9, Done), (2, 2, Failed)],
    )
    .await;
}

#[tokio::test]
async fn of_several_records_that_failed_the_lowest_is_named_first() {
    use HandlerOutcome::Failed;
    check_batch(
        async |batch: Batch| {
            batch.fail(Offset::new(8), "bad bytes")?;
            batch.fail(Offset::new(1), "bad bytes")?;
            Err("down".into())
        },
        &[(0, 0, Failed), (1, 1, Failed), (2, 7, Failed), (8, 8, Failed), (9, 9, Failed)],
    )
    .await;
}

#[tokio::test]
async fn a_record_ends_once() {
    use HandlerOutcome::{Done, Failed};
    check_batch(
        async |batch: Batch| {
            batch.fail(Offset::new(0), "bad bytes")?;
            let again = batch.fail(Offset::new(0), "worse").unwrap_err();
            assert_eq!(again.to_string(), "orders[3]@0 ended before: a record ends once");
            let absent = batch.fail(Offset::new(5), "?").unwrap_err();
            assert_eq!(absent.to_string(), "orders[3]@5 is not in this batch, which ends at 9");
            assert!(batch.finish(Offset::new(10)).is_err());
            batch.finish(Offset::new(9))?;
            batch.finish(Offset::new(9))?;
            Err("too late to matter".into())
        },
        &[(1, 9, Done), (0, 0, Failed)],
    )
    .await;
}

/// Runs a handler on the records 0, 1, 2, 4, 7, 8, 9 and compares what is reported, in order.
async fn check_batch<F>(handler: impl Fn(Batch) -> F, expected: &[(i64, i64, HandlerOutcome)])
where
    F: Future<Output = Result<(), Failure>>,
{
    let (room, work) = room();
    room.deliver_batch(&[0, 1, 2, 4, 7, 8, 9]);
    room.send(Work::Over);
    run_batches(&room, work, handler).await;
    assert_eq!(room.reports(), expected);
}

#[tokio::test]
async fn a_batch_that_was_told_to_stop_counts_only_what_it_finished() {
    let (room, work) = room();
    room.deliver_batch(&[0, 1, 2]);
    room.send(Work::Cancel(TERM));
    let run = run_batches(&room, work, async |batch: Batch| {
        batch.finish(Offset::new(0))?;
        while !batch.is_cancelled() {
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    let other = async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        room.send(Work::Over);
    };
    tokio::join!(run, other);
    use HandlerOutcome::{Cancelled, Done};
    assert_eq!(room.reports(), [(0, 0, Done), (1, 2, Cancelled)]);
}
