//! Changes of the assignment, for whoever wants to follow them.
//!
//! Nobody is waited for: a rebalance must not hang on an application that reads its events late. So
//! each subscriber has a queue of its own, and one that lets it fill up is let go of, which it sees
//! as the end of its stream, instead of being shown a history with a hole.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::room::AssignmentEvent;

/// Events that wait for one subscriber. A rebalance brings a handful; a guess that nobody who reads
/// at all will reach.
const MAX_WAITING: usize = 1024;

/// A stream of [`AssignmentEvent`]s, from [`Handle::events`](crate::Handle::events).
///
/// It ends with the consumer, or after 1,024 events that were not read in time.
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

    /// Tells everyone, and lets go of those who are gone or do not read.
    pub(crate) fn publish(&self, event: &AssignmentEvent) {
        self.state().queues.retain(|queue| queue.try_send(event.clone()).is_ok());
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_subscriber_sees_what_comes_after_it_and_then_the_end() {
        let subscribers = Subscribers::default();
        subscribers.publish(&assigned());
        let mut events = subscribers.subscribe();
        subscribers.publish(&lost());
        subscribers.close();
        assert_eq!(events.next().await, Some(lost()));
        assert_eq!(events.next().await, None);
        assert_eq!(subscribers.subscribe().next().await, None);
    }

    #[tokio::test]
    async fn a_subscriber_that_does_not_read_is_let_go_of() {
        let subscribers = Subscribers::default();
        let mut idle = subscribers.subscribe();
        let mut busy = subscribers.subscribe();
        for _ in 0..MAX_WAITING + 1 {
            subscribers.publish(&assigned());
            assert_eq!(busy.next().await, Some(assigned()));
        }
        let mut seen = 0;
        while idle.next().await.is_some() {
            seen += 1;
        }
        assert_eq!(seen, MAX_WAITING);
    }

    fn assigned() -> AssignmentEvent {
        AssignmentEvent::Assigned(Arc::from([]))
    }

    fn lost() -> AssignmentEvent {
        AssignmentEvent::Lost(Arc::from([]))
    }
}
