//! Leaves the group, or gives a client up.
//!
//! The engine is at rest by then: everything that may be committed is. What is left is to tell the
//! group, so that the next owner need not wait for the session timeout, and a broker that does not
//! answer must not keep the process alive for it. A client that does not close in time is left as
//! it is; its threads end with the process.

use std::mem;
use std::time::Duration;

use surefoot_core::{Answer, ControlRefusal, StopReason, Stopped};

use super::Room;
use super::ending::{Departure, Exit};
use super::observed::Observed;
use crate::kafka::native::{Event, RebalanceProtocol};
use crate::link::{Message, Work};

/// What closing gets when the drain took the whole deadline: a round trip to the coordinator, and
/// one more if it moved.
const AT_LEAST: Duration = Duration::from_millis(500);
/// How often a closing client is asked whether it is closed: that rings no bell.
const LOOK_EVERY: Duration = Duration::from_millis(5);

impl Room {
    /// Tells the handlers' side that no work follows, and the group that the member goes.
    pub(super) fn leave(mut self, stopped: Stopped) -> Exit {
        self.flush_deliveries();
        self.send_work(Work::Over);
        self.refuse_requests();
        for held in self.held.drain(..).filter(|held| !held.lost) {
            let (term, partition) = (held.term, &held.partition);
            self.observer.tell(&Observed::Revoked { term, partition });
        }
        if stopped.reason == StopReason::Aborted || self.client.begin_close().is_err() {
            return Exit { stopped, departure: Departure::Abandoned };
        }
        self.now = self.clock.now();
        let by = match self.stop_by {
            // A coordinator that did not answer the last commit will not answer this either.
            Some(by) if !self.commits.is_empty() => by,
            Some(by) => by.max(self.now.mono.after(AT_LEAST)),
            None => self.now.mono.after(self.drain_deadline),
        };
        loop {
            self.bell.answer();
            self.now = self.clock.now();
            if self.client.is_closed() {
                self.observer.tell(&Observed::Left);
                return Exit { stopped, departure: Departure::Left };
            }
            if self.is_aborted() || self.now.mono >= by {
                tracing::warn!("the client did not close in time: the group was not told");
                self.client.leak();
                return Exit { stopped, departure: Departure::Abandoned };
            }
            while let Some(event) =
                self.unheard.pop_front().or_else(|| self.client.poll_event(Duration::ZERO))
            {
                self.take_closing_event(event);
            }
            self.bell.wait(LOOK_EVERY);
        }
    }

    /// Takes events of a client that closes: whatever it asks back is given at once.
    fn take_closing_event(&mut self, event: Event) {
        match event {
            Event::Assigned(_) | Event::Revoked { .. } => self.give_up_all(),
            Event::CommitEnded { .. }
            | Event::Fault(_)
            | Event::CommittedOffsets { .. }
            | Event::ListedOffsets { .. }
            | Event::DescribedTopics { .. } => {}
        }
    }

    /// Answers whatever the group asks. A closing client takes any answer for "nothing more".
    fn give_up_all(&self) {
        let answered = match self.client.rebalance_protocol() {
            RebalanceProtocol::Eager => self.client.unassign(),
            RebalanceProtocol::Cooperative | RebalanceProtocol::None => {
                self.client.incremental_unassign(&[])
            }
        };
        if let Err(failure) = answered {
            tracing::debug!(%failure, "a closing client refused an answer");
        }
    }

    /// Answers everybody who still asks, and notices an abort.
    fn is_aborted(&mut self) -> bool {
        let mut aborted = false;
        while let Some(message) = self.early.pop_front().or_else(|| self.mail.try_recv().ok()) {
            match message {
                Message::Abort => aborted = true,
                Message::Control(_, reply) => {
                    // Nobody waits any more if this fails.
                    let _ = reply.send(Answer::Refused(ControlRefusal::Stopping));
                }
                // A question is answered by its end: the consumer is gone.
                Message::Query(_) | Message::Reports(_) | Message::Stop(_) => {}
            }
        }
        aborted
    }

    fn refuse_requests(&mut self) {
        self.requests.clear();
        for reply in mem::take(&mut self.controls).into_values() {
            // Nobody waits any more if this fails.
            let _ = reply.send(Answer::Refused(ControlRefusal::Stopping));
        }
    }

    /// Goes on with a new client: the old one holds a commit that nobody may send any more.
    ///
    /// It is dropped and not closed. It waits for an answer to its last rebalance that it will
    /// never get, so that it can neither join again nor send the commit under a new generation.
    pub(super) fn renew_client(&mut self) {
        for held in self.held.drain(..).filter(|held| !held.lost) {
            let (term, partition) = (held.term, &held.partition);
            self.observer.tell(&Observed::Lost { term, partition });
        }
        tracing::error!(
            group = self.settings.group(),
            "a commit stayed unsettled: the client is given up and joins the group anew"
        );
        self.giveback = None;
        self.reborn.clear();
        self.returning.clear();
        self.known.clear();
        self.unheard.clear();
        self.starts.clear();
        self.requests.clear();
        self.commits.clear();
        self.ends = Default::default();
        self.member.clear();
        match super::join(&self.settings, &self.topics, self.partitions, &self.bell) {
            Ok(client) => self.client = client,
            Err(error) => self.failure = self.failure.take().or(Some(error)),
        }
    }
}
