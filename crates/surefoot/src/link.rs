//! What passes between the thread that owns the engine and everybody else.
//!
//! Two one-way queues of batches. Work goes out with its payload; reports come back naming term,
//! offset and attempt, never a payload, so that a report that comes late is only a line to count.
//! Whoever sends to the thread also rings its bell: it sleeps until a queue of the client, a
//! timer or a message wants it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, Thread};
use std::time::Duration;

use surefoot_core::{
    Answer, Attempt, Control, Deliver, HandlerOutcome, Offset, Term, TopicPartition,
};
use tokio::sync::oneshot;

use crate::record::Record;

/// From the engine's thread to the handlers.
#[derive(Debug)]
pub(crate) enum Work {
    /// One record a delivery.
    Records(Vec<(Deliver, Record)>),
    /// One batch.
    Batch(Deliver, Vec<Record>),
    /// What runs under this term is no longer wanted.
    Cancel(Term),
    /// No more work follows; the thread's result is on its way.
    Over,
}

/// From the handlers to the engine's thread: records `first..=last` ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) term: Term,
    pub(crate) first: Offset,
    pub(crate) last: Offset,
    pub(crate) attempt: Attempt,
    pub(crate) outcome: HandlerOutcome,
}

/// From anywhere to the engine's thread.
#[derive(Debug)]
pub(crate) enum Message {
    /// Handlers ended.
    Reports(Vec<Report>),
    /// The application asks for something that the engine decides.
    Control(Control, oneshot::Sender<Answer>),
    /// The application asks for something that the shell answers.
    Query(Query),
    /// Drain and stop; a second one changes nothing.
    Stop(Option<Duration>),
    /// Stop at once.
    Abort,
}

/// Questions that need the client and not the engine.
#[derive(Debug)]
pub(crate) enum Query {
    /// The engine's snapshot with each partition's end offset as the client last saw it.
    Snapshot(oneshot::Sender<crate::snapshot::Snapshot>),
    /// Offsets of these partitions (all assigned if empty) at a time, in milliseconds since the
    /// Unix epoch.
    OffsetsForTime(Vec<TopicPartition>, i64, oneshot::Sender<OffsetsAnswer>),
    /// What the group stores for these partitions (all assigned if empty).
    Committed(Vec<TopicPartition>, oneshot::Sender<OffsetsAnswer>),
    /// The partitions of a topic that are assigned now, to expand a whole topic.
    Assigned(Option<Arc<str>>, oneshot::Sender<Vec<TopicPartition>>),
}

/// An offset for each partition that was asked for, or why there is no answer.
pub(crate) type OffsetsAnswer = Result<Vec<(TopicPartition, Option<i64>)>, Arc<str>>;

/// Sends to the engine's thread. Cheap to clone, usable from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    queue: mpsc::Sender<Message>,
    bell: Arc<Bell>,
}

/// The engine's thread is gone and answers nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Wakes the engine's thread; a ring while it is awake is remembered.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    sleeper: OnceLock<Thread>,
}

/// A sender, and the queue that it fills. What is sent before the thread runs waits for it.
pub(crate) fn link() -> (Sender, mpsc::Receiver<Message>) {
    let (queue, messages) = mpsc::channel();
    (Sender { queue, bell: Arc::default() }, messages)
}

impl Sender {
    /// Sends one message.
    ///
    /// # Errors
    ///
    /// The thread has ended.
    pub(crate) fn send(&self, message: Message) -> Result<(), Gone> {
        self.queue.send(message).map_err(|_| Gone)?;
        self.bell.ring();
        Ok(())
    }

    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }
}

impl Bell {
    /// Wakes the sleeper, or keeps it from falling asleep. Takes no lock and never blocks: it is
    /// rung from inside the client's own locks.
    pub(crate) fn ring(&self) {
        // A ring that was not answered yet is enough for everybody.
        if !self.rung.swap(true, Ordering::AcqRel)
            && let Some(sleeper) = self.sleeper.get()
        {
            sleeper.unpark();
        }
    }

    /// Makes this thread the sleeper. Called once.
    pub(crate) fn attend(&self) {
        self.sleeper.set(thread::current()).expect("one thread attends a bell");
    }

    /// Sleeps until a ring since the last answer, or this long.
    pub(crate) fn wait(&self, timeout: Duration) {
        if !self.rung.load(Ordering::Acquire) {
            thread::park_timeout(timeout);
        }
    }

    /// Answers all rings so far. Everything is looked at after this, so that a ring for something
    /// that was put in later is heard.
    pub(crate) fn answer(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_not_lost() {
        let bell = Bell::default();
        bell.ring();
        bell.attend();
        bell.wait(Duration::from_secs(3600));
    }

    #[test]
    fn a_message_wakes_the_thread_that_waits() {
        let (sender, messages) = link();
        let bell = Arc::clone(sender.bell());
        let thread = thread::spawn(move || {
            bell.attend();
            loop {
                bell.answer();
                if messages.try_recv().is_ok() {
                    return;
                }
                bell.wait(Duration::from_secs(3600));
            }
        });
        sender.send(Message::Abort).unwrap();
        thread.join().unwrap();
        assert_eq!(sender.send(Message::Abort), Err(Gone));
    }
}
