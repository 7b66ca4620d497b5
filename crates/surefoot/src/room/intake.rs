//! Reads the partitions that flow, in turn.
//!
//! Not reading is the only backpressure, so a pause costs nothing and loses nothing. Each visit
//! takes a bounded batch, so that a full partition does not starve the others, and begins behind
//! the partition that the last round began with. What the client hands out again after a rebalance
//! (it reads again from where it last was) is dropped here, before it costs a payload.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use surefoot_core::{
    DeliveryUnit, Fetched, Input, KeyHash, Offset, ProcessingOrder, RecordMeta, Term, Token,
};

use super::Room;
use super::observed::Observed;
use crate::kafka::native::NativeMessage;
use crate::kafka::verdict;
use crate::record::Record;

/// Records of one visit where each is delivered by itself. Large enough to spread what a visit
/// costs, small enough that a round of a hundred partitions stays within a few milliseconds.
const RECORDS_A_VISIT: usize = 64;

/// In the place of a token that is never handed back.
const NO_TOKEN: Token = Token(u32::MAX);

/// How records are read; fixed for the life of a consumer.
#[derive(Debug)]
pub(super) struct Intake {
    unit: DeliveryUnit,
    order: ProcessingOrder,
    visit: usize,
    hash: FixedState,
}

/// Records of one partition on their way to the engine.
#[derive(Default)]
struct Run {
    metas: Vec<RecordMeta>,
    batch: Vec<Record>,
    leader_epoch: Option<i32>,
}

impl Run {
    fn with_room_for(count: usize) -> Self {
        Self { metas: Vec::with_capacity(count), ..Self::default() }
    }
}

impl Intake {
    pub(super) fn new(unit: DeliveryUnit, order: ProcessingOrder, max_batch: usize) -> Self {
        let visit = match unit {
            DeliveryUnit::Record => RECORDS_A_VISIT,
            DeliveryUnit::Batch => max_batch,
        };
        // Any fixed seed: the same input gives the same lanes in every run.
        Self { unit, order, visit, hash: FixedState::with_seed(0x5afe_f007) }
    }

    fn key_hash(&self, message: &NativeMessage) -> Option<KeyHash> {
        if self.order != ProcessingOrder::Key {
            return None;
        }
        let mut hasher = self.hash.build_hasher();
        hasher.write(message.key()?);
        Some(KeyHash(hasher.finish()))
    }
}

impl Room {
    /// Visits every partition that flows once.
    pub(super) fn read_partitions(&mut self) {
        let count = self.held.len();
        let first = self.cursor;
        self.cursor = self.cursor.wrapping_add(1);
        for turn in 0..count {
            // What is read can end partitions, this one included.
            if self.held.len() != count {
                self.busy = true;
                return;
            }
            self.read_partition(first.wrapping_add(turn) % count);
            self.settle();
        }
    }

    fn read_partition(&mut self, index: usize) {
        let held = &mut self.held[index];
        let term = held.term;
        let Some(reader) = held.ready() else { return };
        if self.engine.has_enough(term) {
            // Whatever starts or ends comes with a turn that looks again.
            return;
        }
        let mut messages = std::mem::take(&mut self.messages);
        let count = reader.queue.consume(self.intake.visit, &mut messages);
        self.busy |= count > 0;
        let mut run = Run::with_room_for(count);
        for message in messages.drain(..) {
            if message.error().is_some() {
                self.hand_over(index, term, std::mem::take(&mut run));
                self.take_error(index, term, &message);
            } else {
                self.take_record(index, message, &mut run);
            }
        }
        self.messages = messages;
        self.hand_over(index, term, run);
    }

    fn take_record(&mut self, index: usize, message: NativeMessage, run: &mut Run) {
        let offset = message.offset();
        let Some(reader) = self.held[index].reader() else { return };
        if offset.position() < reader.next {
            return;
        }
        reader.next = offset.next();
        run.leader_epoch = message.leader_epoch();
        let key = self.intake.key_hash(&message);
        let bytes = u32::try_from(message.size()).unwrap_or(u32::MAX);
        let record = Record::new(message);
        let token = match self.intake.unit {
            DeliveryUnit::Record => self.payloads.keep(record),
            DeliveryUnit::Batch => {
                run.batch.push(record);
                NO_TOKEN
            }
        };
        run.metas.push(RecordMeta { offset, key, bytes, token });
    }

    /// Gives a run to the engine. Inputs that it leads to are fed by the caller's caller.
    fn hand_over(&mut self, index: usize, term: Term, run: Run) {
        let (Some(first), Some(last)) = (run.metas.first(), run.metas.last()) else { return };
        let (first, last): (Offset, Offset) = (first.offset, last.offset);
        let held = &mut self.held[index];
        self.observer.tell(&Observed::Delivered {
            term,
            partition: &held.partition,
            first,
            last,
            count: run.metas.len(),
        });
        if let Some(reader) = held.reader() {
            reader.leader_epoch = run.leader_epoch;
        }
        let token = match self.intake.unit {
            DeliveryUnit::Record => NO_TOKEN,
            DeliveryUnit::Batch => self.payloads.keep_batch(run.batch),
        };
        let batch = Fetched { records: run.metas, leader_epoch: run.leader_epoch, token };
        self.backlog.push_back(Input::Fetched { term, batch });
    }

    fn take_error(&mut self, index: usize, term: Term, message: &NativeMessage) {
        let held = &mut self.held[index];
        if let Some(position) = message.end() {
            if let Some(reader) = held.reader() {
                reader.next = reader.next.max(position);
            }
            self.ends.saw(&held.partition, position);
            self.backlog.push_back(Input::EndReached { term, position });
            return;
        }
        let Some(code) = message.error() else { return };
        match verdict::fetch_failure(code) {
            Some(failure) => {
                tracing::warn!(
                    partition = %held.partition,
                    %code,
                    "reading failed: {}",
                    message.error_message()
                );
                self.backlog.push_back(Input::FetchFailed { term, failure });
            }
            // The client reconnects, looks for the new leader, and reads on.
            None => tracing::info!(
                partition = %held.partition,
                %code,
                "reading is interrupted: {}",
                message.error_message()
            ),
        }
    }
}
