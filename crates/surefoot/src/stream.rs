//! Deliveries that the application acknowledges itself.
//!
//! The application may hold many at once, acknowledge them in any order and from any task: a
//! delivery carries what it takes to hand in its own end. One that is dropped says the same as an
//! error, because a record that nobody speaks for was not handled.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use surefoot_core::{Deliver, DeliveryUnit};

use crate::Failure;
use crate::consumer::Consumer;
use crate::delivery::Delivery;
use crate::error::RunError;
use crate::link::Work;
use crate::run::{Call, Desk, Held, Part, Session, Terms, Verdict, Why};

/// Deliveries to be acknowledged one by one; made by [`Consumer::into_stream`].
///
/// It yields deliveries until the consumer stops, then an error if there was one, then nothing. It
/// must be polled only to get deliveries: acknowledgements, commits and rebalances go on without.
///
/// Dropping it stops the consumer as [`Handle::stop`](crate::Handle::stop) does: what is held may
/// still be acknowledged within the drain deadline. To wait for the end, stop through the handle
/// and read until it is over.
pub struct Deliveries {
    state: State,
}

enum State {
    NotStarted(Box<Consumer>),
    Running(Box<Running>),
    Over,
}

struct Running {
    session: Session,
    terms: Terms,
    waiting: std::vec::IntoIter<(Deliver, crate::Record)>,
}

/// A delivery that counts as failed unless it is acknowledged.
///
/// It gives the [`Delivery`]'s and the [`Record`](crate::Record)'s own methods.
#[must_use = "a delivery that is dropped without an acknowledgement counts as failed"]
pub struct OpenDelivery {
    delivery: Delivery,
    deliver: Deliver,
    held: Arc<Held>,
    desk: Arc<Desk>,
    is_open: bool,
}

impl Deliveries {
    pub(crate) fn new(consumer: Consumer) -> Self {
        Self { state: State::NotStarted(Box::new(consumer)) }
    }

    /// The next delivery, or the error that ended the run; `None` once it is over.
    pub async fn next(&mut self) -> Option<Result<OpenDelivery, RunError>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Deliveries {
    type Item = Result<OpenDelivery, RunError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let State::NotStarted(_) = &self.state {
            let State::NotStarted(consumer) = std::mem::replace(&mut self.state, State::Over)
            else {
                unreachable!("looked at above");
            };
            match consumer.start(DeliveryUnit::Record) {
                Ok(session) => {
                    let (terms, waiting) = (Terms::default(), Vec::new().into_iter());
                    self.state = State::Running(Box::new(Running { session, terms, waiting }));
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let State::Running(running) = &mut self.state else { return Poll::Ready(None) };
        let next = std::task::ready!(running.poll_next(context));
        if !matches!(next, Some(Ok(_))) {
            self.state = State::Over;
        }
        Poll::Ready(next)
    }
}

impl Running {
    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<OpenDelivery, RunError>>> {
        loop {
            if let Some((deliver, record)) = self.waiting.next() {
                return Poll::Ready(Some(Ok(self.open(deliver, record))));
            }
            match std::task::ready!(self.session.work().poll_recv(context)) {
                Some(Work::Records(records)) => self.waiting = records.into_iter(),
                Some(Work::Cancel(term)) => self.terms.cancel(term),
                Some(Work::Batch(..)) => {
                    unreachable!("the engine delivers the unit that it was configured with")
                }
                Some(Work::Over) | None => {
                    self.terms.cancel_all();
                    let result = std::task::ready!(self.session.poll_result(context));
                    return Poll::Ready(result.err().map(Err));
                }
            }
        }
    }

    fn open(&mut self, deliver: Deliver, record: crate::Record) -> OpenDelivery {
        let held = Arc::clone(self.terms.of(deliver.term, &record));
        let delivery = Delivery::new(record, deliver.attempt, Arc::clone(&held));
        let desk = Arc::clone(self.session.desk());
        OpenDelivery { delivery, deliver, held, desk, is_open: true }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.session.leave();
        // What was never handed out was never begun.
        for (deliver, record) in std::mem::take(&mut self.waiting) {
            self.open(deliver, record).end(Verdict::Cancelled);
        }
    }
}

impl OpenDelivery {
    /// The record is handled: it may be committed.
    pub fn done(self) {
        self.end(Verdict::Done);
    }

    /// The record is not handled. The consumer starts nothing new and stops with its coordinates;
    /// what is held beside it may still be acknowledged.
    pub fn fail(self, error: impl Into<Failure>) {
        self.end(Verdict::Not(Why::Failed(error.into())));
    }

    fn end(mut self, verdict: Verdict) {
        self.hand_in(verdict);
    }

    fn hand_in(&mut self, verdict: Verdict) {
        self.is_open = false;
        let verdict = match verdict {
            Verdict::Not(Why::Failed(_)) if self.held.is_cancelled() => Verdict::Cancelled,
            verdict => verdict,
        };
        let Deliver { first, last, count, attempt, .. } = self.deliver;
        let call = Call { held: &self.held, attempt, is_batch: false };
        self.desk.hand_in_one(call, Part { first, last, count }, verdict);
    }
}

impl Deref for OpenDelivery {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.delivery
    }
}

impl Drop for OpenDelivery {
    fn drop(&mut self) {
        if self.is_open {
            let why = Failure::from("the delivery was dropped without an acknowledgement");
            self.hand_in(Verdict::Not(Why::Failed(why)));
        }
    }
}

impl fmt::Debug for OpenDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenDelivery").field(&self.delivery).finish()
    }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::NotStarted(_) => "not started",
            State::Running(_) => "running",
            State::Over => "over",
        };
        f.debug_struct("Deliveries").field("state", &state).finish()
    }
}
