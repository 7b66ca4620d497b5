//! The terms under which handlers run, and the word that their work is no longer wanted.
//!
//! A term can end while a handler runs. The handler cannot be stopped from outside without leaving
//! its work half done, so it is told, and may look. What it says afterwards no longer counts.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use surefoot_core::{Term, TopicPartition};
use tokio::sync::Notify;

use crate::record::Record;

/// One term, shared by the deliveries made under it.
pub(crate) struct Held {
    pub(crate) term: Term,
    pub(crate) topic: Box<str>,
    pub(crate) partition: i32,
    cancelled: AtomicBool,
    notify: Notify,
}

/// The terms that deliveries were made under and that are not over yet.
#[derive(Default)]
pub(crate) struct Terms {
    // One for each assigned partition and a few that ended; the last one used is first.
    held: Vec<Arc<Held>>,
}

impl Terms {
    /// The term's entry; `sample` is a record that was read under it.
    pub(crate) fn of(&mut self, term: Term, sample: &Record) -> &Arc<Held> {
        match self.held.iter().position(|held| held.term == term) {
            Some(found) => self.held.swap(0, found),
            None => self.enter(term, sample),
        }
        &self.held[0]
    }

    /// Tells everyone who works under the term.
    pub(crate) fn cancel(&mut self, term: Term) {
        if let Some(found) = self.held.iter().position(|held| held.term == term) {
            self.held.swap_remove(found).cancel();
        }
    }

    /// Tells everyone.
    pub(crate) fn cancel_all(&mut self) {
        for held in self.held.drain(..) {
            held.cancel();
        }
    }

    fn enter(&mut self, term: Term, sample: &Record) {
        // A term that ended at rest is never cancelled: it goes when its partition comes back as
        // another term, so there are no more than partitions and deliveries.
        let (topic, partition) = (sample.topic(), sample.partition());
        self.held.retain(|held| {
            Arc::strong_count(held) > 1 || held.partition != partition || *held.topic != *topic
        });
        let entry = Arc::new(Held {
            term,
            topic: sample.topic().into(),
            partition: sample.partition(),
            cancelled: AtomicBool::new(false),
            notify: Notify::new(),
        });
        self.held.push(entry);
        let last = self.held.len() - 1;
        self.held.swap(0, last);
    }
}

impl Held {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn topic_partition(&self) -> TopicPartition {
        TopicPartition::new(&*self.topic, self.partition)
    }

    pub(crate) async fn cancelled(&self) {
        // Registered before the look, so that a cancellation between the two is not missed.
        let notified = self.notify.notified();
        if !self.is_cancelled() {
            notified.await;
        }
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}] {}", self.topic, self.partition, self.term)
    }
}
