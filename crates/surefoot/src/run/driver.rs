//! Runs handlers: takes work, calls, and hands in how the calls ended.
//!
//! Everything happens in the task that awaits the run, in turns. A turn takes what the engine's
//! thread sent, polls what can go on, and hands in all ends together, so that the cost of crossing
//! to the other thread is shared by many records. A turn is bounded, so that handlers that never
//! wait cannot keep the runtime's other tasks from running.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use surefoot_core::Deliver;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Call, Calls, Desk, End, Ends, Held, Part, Terms, Verdict, Why};
use crate::Failure;
use crate::batch::{Batch, BatchCall};
use crate::delivery::Delivery;
use crate::link::Work;
use crate::record::Record;

/// Calls that are begun or ended in one turn. A guess: enough to share a message between, few
/// enough to end a turn within some tens of microseconds if handlers are short.
const MAX_STEPS: u32 = 256;

/// What a handler is called with: a [`Delivery`] or a [`Batch`].
pub(crate) trait Unit: Sized {
    /// What the engine's thread sent for it.
    type Content;
    /// What is kept while the handler runs.
    type Ticket: Unpin;

    /// Adds what the work brings to what waits; hands back any other kind of work.
    fn take(work: Work, waiting: &mut VecDeque<(Deliver, Self::Content)>) -> Option<Work>;

    /// Makes what the handler is called with.
    fn make(
        deliver: Deliver,
        content: Self::Content,
        terms: &mut Terms,
        desk: &Arc<Desk>,
    ) -> (Self, Self::Ticket);

    /// Notes how the call ended.
    fn end(ticket: Self::Ticket, end: End, desk: &Desk, ends: &mut Ends);
}

/// Runs a handler until no more work comes.
pub(crate) struct Driver<'a, U: Unit, C, F> {
    call: C,
    calls: Calls<F, U::Ticket>,
    work: &'a mut UnboundedReceiver<Work>,
    // Bounded by `max_in_flight`: the engine's thread sends no more than may run.
    waiting: VecDeque<(Deliver, U::Content)>,
    terms: Terms,
    desk: Arc<Desk>,
    ends: Ends,
}

impl<'a, U, C, F> Driver<'a, U, C, F>
where
    U: Unit,
    C: Fn(U) -> F,
    F: Future<Output = Result<(), Failure>>,
{
    pub(crate) fn new(work: &'a mut UnboundedReceiver<Work>, desk: Arc<Desk>, call: C) -> Self {
        Self {
            call,
            calls: Calls::new(),
            work,
            waiting: VecDeque::new(),
            terms: Terms::default(),
            desk,
            ends: Ends::default(),
        }
    }

    /// Runs until the engine's thread says that it is over. Calls that still wait are dropped.
    pub(crate) async fn run(mut self) {
        poll_fn(|context| self.poll_turn(context)).await;
        self.terms.cancel_all();
    }

    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut steps = 0;
        let is_over = loop {
            if steps >= MAX_STEPS || !tokio::task::coop::has_budget_remaining() {
                context.waker().wake_by_ref();
                break false;
            }
            // Work that was not begun yet goes before more work; ends go before both, because they
            // free what the engine may start.
            if let Poll::Ready(Some((ticket, end))) = self.calls.poll_ended(context) {
                U::end(ticket, end, &self.desk, &mut self.ends);
            } else if let Some((deliver, content)) = self.waiting.pop_front() {
                self.begin(context, deliver, content);
            } else {
                match self.work.poll_recv(context) {
                    Poll::Ready(Some(work)) => match U::take(work, &mut self.waiting) {
                        None => {}
                        Some(Work::Cancel(term)) => self.terms.cancel(term),
                        Some(Work::Over) => break true,
                        Some(Work::Records(_) | Work::Batch(..)) => {
                            unreachable!("the engine delivers the unit that it was configured with")
                        }
                    },
                    Poll::Ready(None) => break true,
                    Poll::Pending => break false,
                }
            }
            steps += 1;
        };
        self.desk.hand_in(&mut self.ends);
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }

    fn begin(&mut self, context: &mut Context<'_>, deliver: Deliver, content: U::Content) {
        let (unit, ticket) = U::make(deliver, content, &mut self.terms, &self.desk);
        let ended = self.calls.start(context, ticket, || (self.call)(unit));
        if let Some((ticket, end)) = ended {
            U::end(ticket, end, &self.desk, &mut self.ends);
        }
    }
}

/// What is kept of a delivery while its handler runs.
pub(crate) struct Ticket {
    deliver: Deliver,
    held: Arc<Held>,
}

impl Unit for Delivery {
    type Content = Record;
    type Ticket = Ticket;

    fn take(work: Work, waiting: &mut VecDeque<(Deliver, Record)>) -> Option<Work> {
        match work {
            Work::Records(records) => {
                waiting.extend(records);
                None
            }
            other => Some(other),
        }
    }

    fn make(
        deliver: Deliver,
        record: Record,
        terms: &mut Terms,
        _desk: &Arc<Desk>,
    ) -> (Self, Ticket) {
        let held = Arc::clone(terms.of(deliver.term, &record));
        let ticket = Ticket { deliver, held: Arc::clone(&held) };
        (Self::new(record, deliver.attempt, held), ticket)
    }

    fn end(ticket: Ticket, end: End, desk: &Desk, ends: &mut Ends) {
        let Ticket { deliver, held } = ticket;
        let verdict = match end {
            End::Returned(Ok(())) => Verdict::Done,
            End::Returned(Err(_)) if held.is_cancelled() => Verdict::Cancelled,
            End::Returned(Err(failure)) => Verdict::Not(Why::Failed(failure)),
            End::Panicked(message) => Verdict::Not(Why::Panicked(message)),
        };
        let part = Part { first: deliver.first, last: deliver.last, count: deliver.count };
        let call = Call { held: &held, attempt: deliver.attempt, is_batch: false };
        desk.note(ends, call, part, verdict);
    }
}

impl Unit for Batch {
    type Content = Vec<Record>;
    type Ticket = Arc<BatchCall>;

    fn take(work: Work, waiting: &mut VecDeque<(Deliver, Vec<Record>)>) -> Option<Work> {
        match work {
            Work::Batch(deliver, records) => {
                waiting.push_back((deliver, records));
                None
            }
            other => Some(other),
        }
    }

    fn make(
        deliver: Deliver,
        records: Vec<Record>,
        terms: &mut Terms,
        desk: &Arc<Desk>,
    ) -> (Self, Arc<BatchCall>) {
        let held = Arc::clone(terms.of(deliver.term, &records[0]));
        Self::new(records, deliver.attempt, held, Arc::clone(desk))
    }

    fn end(ticket: Arc<BatchCall>, end: End, _desk: &Desk, ends: &mut Ends) {
        ticket.end(ends, end);
    }
}

#[cfg(test)]
mod tests;
