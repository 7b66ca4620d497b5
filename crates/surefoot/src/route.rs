//! Where requests go: to the engine's thread, or nowhere yet.
//!
//! A handle is given out before the consumer runs, because afterwards its task is busy running it.
//! What is asked until then waits, in order, and what is asked of a consumer that will never run is
//! dropped, which whoever waits for the answer sees.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::link::{Message, Sender};

/// The way to the engine's thread.
#[derive(Debug)]
pub(crate) struct Route(Mutex<State>);

#[derive(Debug)]
enum State {
    /// As long as an application makes requests before it runs its consumer; nobody else adds.
    Waiting(Vec<Message>),
    Open(Sender),
    Closed,
}

impl Route {
    /// The thread does not run yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::Waiting(Vec::new())))
    }

    /// Sends now, later, or not at all.
    pub(crate) fn send(&self, message: Message) {
        match &mut *self.state() {
            State::Waiting(messages) => messages.push(message),
            State::Open(sender) => {
                // A thread that ended answers nothing.
                let _gone = sender.send(message);
            }
            State::Closed => {}
        }
    }

    /// The thread is about to run.
    pub(crate) fn open(&self, sender: Sender) {
        let mut state = self.state();
        if let State::Waiting(messages) = &mut *state {
            for message in messages.drain(..) {
                // As above.
                let _gone = sender.send(message);
            }
        }
        *state = State::Open(sender);
    }

    /// The thread will never run, unless it was opened. Returns whether this is so.
    pub(crate) fn abandon(&self) -> bool {
        let mut state = self.state();
        let is_waiting = matches!(*state, State::Waiting(_));
        if is_waiting {
            *state = State::Closed;
        }
        is_waiting
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
