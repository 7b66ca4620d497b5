//! Handlers: how long they take, how they end, and whether they listen when told to stop.
//!
//! A handler of a batch may end its records in parts, in any order. Handlers die with their
//! process; otherwise each part ends once.

use std::collections::BTreeMap;

use surefoot_check::history::{self, EndResult, Event as Recorded};
use surefoot_core::{Deliver, DeliveryUnit, HandlerOutcome, Offset, Term};

use super::mailbox::Report;
use super::payloads::Payload;
use super::{Alarm, Process};
use crate::fabric::{Event, Fabric, PartitionId};
use crate::kafka::log::LoggedRecord;
use crate::reach::Reached;
use crate::schedule::{MILLI, SECOND};

/// The handlers that run.
#[derive(Debug, Default)]
pub(super) struct Handlers {
    running: BTreeMap<u64, Handler>,
    last: u64,
}

#[derive(Debug)]
struct Handler {
    partition: PartitionId,
    term: Term,
    parts: Vec<Part>,
    obeys: bool,
    cancelled: bool,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    first: i64,
    last: i64,
    count: u64,
    outcome: HandlerOutcome,
    over: bool,
}

impl Handlers {
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    pub(super) fn runs_on(&self, partition: PartitionId) -> bool {
        self.running.values().any(|handler| handler.partition == partition)
    }
}

impl Process {
    pub(super) fn start_handler(
        &mut self,
        fabric: &mut Fabric,
        deliver: &Deliver,
        payload: &Payload,
    ) {
        let records: Vec<LoggedRecord> = payload
            .records
            .iter()
            .filter(|record| {
                deliver.first.get() <= record.offset && record.offset <= deliver.last.get()
            })
            .copied()
            .collect();
        if records.len() != deliver.count as usize
            || records.first().map(|record| record.offset) != Some(deliver.first.get())
            || records.last().map(|record| record.offset) != Some(deliver.last.get())
        {
            fabric.complain(format!("{}: {deliver:?} is not what was read", self.id));
            return;
        }
        self.narrator.started(fabric, payload.partition, deliver, &records);
        let parts = split(fabric, &records);
        let obeys = !fabric.fault(fabric.plan.faults.ignore_cancel);
        self.handlers.last += 1;
        let handler = self.handlers.last;
        for part in 0..parts.len() {
            let delay = duration(fabric);
            fabric.after(delay, Event::Alarm(self.id, Alarm::HandlerEnds { handler, part }));
        }
        let (partition, term) = (payload.partition, deliver.term);
        let running = Handler { partition, term, parts, obeys, cancelled: false };
        self.handlers.running.insert(handler, running);
    }

    /// Tells the handlers of a term that their work is no longer wanted.
    pub(super) fn cancel_handlers(&mut self, fabric: &mut Fabric, term: Term) {
        let handlers = self.handlers.running.iter_mut();
        for (&id, handler) in handlers.filter(|(_, handler)| handler.term == term) {
            if !handler.obeys {
                fabric.reach(Reached::CancelIgnored);
                continue;
            }
            handler.cancelled = true;
            for part in 0..handler.parts.len() {
                let delay = fabric.random.spread(1, 50 * MILLI);
                let alarm = Alarm::HandlerEnds { handler: id, part };
                fabric.after(delay, Event::Alarm(self.id, alarm));
            }
        }
    }

    pub(super) fn on_handler_end(&mut self, fabric: &mut Fabric, id: u64, part: usize) {
        let Some(handler) = self.handlers.running.get_mut(&id) else { return };
        let cancelled = handler.cancelled;
        let ends = &mut handler.parts[part];
        if std::mem::replace(&mut ends.over, true) {
            return;
        }
        if cancelled && fabric.random.coin() {
            ends.outcome = HandlerOutcome::Cancelled;
        }
        let ends = *ends;
        match ends.outcome {
            HandlerOutcome::Failed => fabric.reach(Reached::HandlerFailed),
            HandlerOutcome::Panicked => fabric.reach(Reached::HandlerPanicked),
            HandlerOutcome::Done | HandlerOutcome::Cancelled => {}
        }
        if handler.parts[part + 1..].iter().any(|later| later.over) {
            fabric.reach(Reached::BatchInPieces);
        }
        let (partition, term) = (handler.partition, handler.term);
        if handler.parts.iter().all(|part| part.over) {
            self.handlers.running.remove(&id);
        }
        let of = &fabric.plan.partitions[partition.index()];
        let batch = fabric.plan.engine.delivery_unit == DeliveryUnit::Batch;
        let ended = history::Ended {
            topic: of.topic.clone(),
            partition: of.partition,
            term: term.get(),
            offset: ends.first,
            attempt: 1,
            last: batch.then_some(ends.last),
            count: batch.then_some(ends.count),
            result: match ends.outcome {
                HandlerOutcome::Done => EndResult::Ok,
                HandlerOutcome::Failed => EndResult::Error,
                HandlerOutcome::Panicked => EndResult::Panic,
                HandlerOutcome::Cancelled => EndResult::Cancelled,
            },
            message: None,
        };
        fabric.record(self.id, Recorded::Ended(ended));
        self.mail.reports.push_back(Report::Finished {
            term,
            first: Offset::new(ends.first),
            last: Offset::new(ends.last),
            outcome: ends.outcome,
        });
    }
}

fn split(fabric: &mut Fabric, records: &[LoggedRecord]) -> Vec<Part> {
    let most = fabric.plan.handler.pieces.min(records.len() as u64);
    let pieces = fabric.random.between(1, most) as usize;
    let size = records.len().div_ceil(pieces);
    records
        .chunks(size)
        .map(|chunk| Part {
            first: chunk[0].offset,
            last: chunk[chunk.len() - 1].offset,
            count: chunk.len() as u64,
            outcome: outcome(fabric),
            over: false,
        })
        .collect()
}

fn outcome(fabric: &mut Fabric) -> HandlerOutcome {
    if fabric.fault(fabric.plan.faults.fail) {
        HandlerOutcome::Failed
    } else if fabric.fault(fabric.plan.faults.panic) {
        HandlerOutcome::Panicked
    } else {
        HandlerOutcome::Done
    }
}

fn duration(fabric: &mut Fabric) -> u64 {
    let plan = fabric.plan.handler;
    let usual = fabric.random.between(plan.shortest, plan.longest) * fabric.throttle;
    if fabric.fault(fabric.plan.faults.slow) {
        fabric.reach(Reached::HandlerSlow);
        return usual + fabric.random.spread(SECOND, 40 * SECOND);
    }
    usual
}
