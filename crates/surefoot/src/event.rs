//! Changes of the assignment, for whoever wants to follow them.
//!
//! Nobody is waited for: a rebalance must not hang on an application that reads its events late. So
//! each subscriber has a queue of its own, and one that lets it fill up is let go of, which it sees
//! as the end of its stream, instead of being shown a history with a hole.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;
use surefoot_core::{Position, Term, TopicPartition};
use tokio::sync::mpsc;

use crate::room::Observed;

/// Events that wait for one subscriber. A rebalance brings a handful for each partition; a guess
/// that nobody who reads at all will reach.
const MAX_WAITING: usize = 4096;

/// One partition of this consumer changed hands, or is about to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssignmentEvent {
    /// It was assigned. Where it starts is being looked up.
    Assigned {
        /// The partition.
        partition: TopicPartition,
        /// The assignment's term.
        term: Term,
    },
    /// Where it starts is known: reading begins. Also after a seek, under a new term.
    Started {
        /// The partition.
        partition: TopicPartition,
        /// The term.
        term: Term,
        /// The first offset that may be delivered.
        position: Position,
    },
    /// The group asks for it back. It takes no new work, and what runs may finish within the drain
    /// deadline.
    Revoking {
        /// The partition.
        partition: TopicPartition,
        /// The term.
        term: Term,
    },
    /// It was given back, committed as far as it was finished.
    Revoked {
        /// The partition.
        partition: TopicPartition,
        /// The term that is over.
        term: Term,
    },
    /// It was gone before it could be given back: another consumer may have started on it already.
    Lost {
        /// The partition.
        partition: TopicPartition,
        /// The term that is over.
        term: Term,
    },
}

/// A stream of [`AssignmentEvent`]s, from [`Handle::events`](crate::Handle::events).
///
/// It ends with the consumer, or after 4,096 events that were not read in time.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<AssignmentEvent>,
}

/// Who wants to follow.
#[derive(Debug, Default)]
pub(crate) struct Subscribers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    queues: Vec<mpsc::Sender<AssignmentEvent>>,
    is_over: bool,
}

impl Events {
    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Option<AssignmentEvent> {
        self.events.recv().await
    }
}

impl Stream for Events {
    type Item = AssignmentEvent;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<AssignmentEvent>> {
        self.events.poll_recv(context)
    }
}

impl Subscribers {
    /// The events from here on; none if all is over.
    pub(crate) fn subscribe(&self) -> Events {
        let (queue, events) = mpsc::channel(MAX_WAITING);
        let mut state = self.state();
        if !state.is_over {
            state.queues.push(queue);
        }
        Events { events }
    }

    /// Tells everyone what concerns the assignment, and lets go of those who are gone or do not
    /// read.
    pub(crate) fn observe(&self, step: &Observed<'_>) {
        if let Some(event) = event_of(step) {
            self.state().queues.retain(|queue| queue.try_send(event.clone()).is_ok());
        }
    }

    /// Ends all streams.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_over = true;
        state.queues.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn event_of(step: &Observed<'_>) -> Option<AssignmentEvent> {
    Some(match *step {
        Observed::Assigned { term, partition } => {
            AssignmentEvent::Assigned { partition: partition.clone(), term }
        }
        Observed::StartKnown { term, partition, position, .. } => {
            AssignmentEvent::Started { partition: partition.clone(), term, position }
        }
        Observed::Revoking { term, partition } => {
            AssignmentEvent::Revoking { partition: partition.clone(), term }
        }
        Observed::Revoked { term, partition } => {
            AssignmentEvent::Revoked { partition: partition.clone(), term }
        }
        Observed::Lost { term, partition } => {
            AssignmentEvent::Lost { partition: partition.clone(), term }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_subscriber_sees_what_comes_after_it_and_then_the_end() {
        let subscribers = Subscribers::default();
        subscribers.observe(&assigned(&orders()));
        let mut events = subscribers.subscribe();
        subscribers.observe(&Observed::Left);
        subscribers.observe(&Observed::Lost { term: Term::new(1), partition: &orders() });
        subscribers.close();
        let lost = AssignmentEvent::Lost { partition: orders(), term: Term::new(1) };
        assert_eq!(events.next().await, Some(lost));
        assert_eq!(events.next().await, None);
        assert_eq!(subscribers.subscribe().next().await, None);
    }

    #[tokio::test]
    async fn a_subscriber_that_does_not_read_is_let_go_of() {
        let subscribers = Subscribers::default();
        let mut idle = subscribers.subscribe();
        let mut busy = subscribers.subscribe();
        for _ in 0..MAX_WAITING + 1 {
            subscribers.observe(&assigned(&orders()));
            assert!(busy.next().await.is_some());
        }
        let mut seen = 0;
        while idle.next().await.is_some() {
            seen += 1;
        }
        assert_eq!(seen, MAX_WAITING);
    }

    fn orders() -> TopicPartition {
        TopicPartition::new("orders", 3)
    }

    fn assigned(partition: &TopicPartition) -> Observed<'_> {
        Observed::Assigned { term: Term::new(1), partition }
    }
}
