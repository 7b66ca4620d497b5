//! A record in a handler's hands.

use std::ops::Deref;
use std::sync::Arc;

use surefoot_core::{Attempt, Term};

use crate::record::Record;
use crate::run::Held;

/// One attempt to have one record handled.
///
/// It is owned, can be sent to other threads, and gives the [`Record`]'s own methods. How the
/// handler's call ends decides about the record, not how long the delivery lives.
#[derive(Debug)]
pub struct Delivery {
    record: Record,
    attempt: Attempt,
    held: Arc<Held>,
}

impl Delivery {
    pub(crate) fn new(record: Record, attempt: Attempt, held: Arc<Held>) -> Self {
        Self { record, attempt, held }
    }

    /// The record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Takes the record out.
    pub fn into_record(self) -> Record {
        self.record
    }

    /// Which attempt this is in its term, from one. Attempts of earlier terms and earlier runs are
    /// not counted, so one does not mean that the record was never started before.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The assignment under which it was made. A partition that comes back, or is sought, comes
    /// under a higher term.
    pub fn term(&self) -> Term {
        self.held.term
    }

    /// Whether the handler's work is no longer wanted: the partition is lost, sought, or its drain
    /// ran out of time. The record's next owner decides about it, and may have it already; an error
    /// that is returned now does not stop the consumer.
    pub fn is_cancelled(&self) -> bool {
        self.held.is_cancelled()
    }

    /// Waits until [`Delivery::is_cancelled`], for `select!` beside long work.
    pub async fn cancelled(&self) {
        self.held.cancelled().await;
    }
}

impl Deref for Delivery {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}
