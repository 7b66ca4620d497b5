//! Reading partitions: one session for each, which fetches ahead of the process's loop.
//!
//! What is read carries the term for which the session was begun or moved. A rebalance may make
//! the client forget what it fetched ahead; it then goes on from what the loop has taken, or from
//! a little before, and the same offsets come again within the term.

use surefoot_core::{FetchFailure, Term};

use super::{Call, Client};
use crate::fabric::{Fabric, PartitionId};
use crate::kafka::message::{Answered, Ask, Code};
use crate::member::mailbox::{Content, FromClient, Mailbox, Read};
use crate::reach::Reached;

/// Reading one partition for one term.
#[derive(Debug)]
pub(in crate::member) struct Session {
    term: Term,
    /// Where the term began.
    start: i64,
    /// The next offset to ask for.
    position: i64,
    /// Everything below was taken by the loop.
    taken: i64,
    paused: bool,
    failed: bool,
    /// Tells replies for an earlier state of the session.
    epoch: u64,
    fetching: bool,
    waiting: usize,
    /// The end that was told last.
    end_told: Option<i64>,
}

/// Chunks that are fetched ahead of the loop.
const FETCHED_AHEAD: usize = 2;

impl Client {
    pub(in crate::member) fn start_reading(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        term: Term,
        position: i64,
    ) {
        // A pause belongs to a term, and may come before its reading begins.
        let paused = self.paused.contains(&term);
        self.epochs += 1;
        self.sessions.insert(
            partition,
            Session {
                term,
                start: position,
                position,
                taken: position,
                paused,
                failed: false,
                epoch: self.epochs,
                fetching: false,
                waiting: 0,
                end_told: None,
            },
        );
        self.fetch(fabric, partition);
    }

    pub(in crate::member) fn stop_reading(&mut self, partition: PartitionId) {
        self.sessions.remove(&partition);
    }

    pub(in crate::member) fn pause_reading(&mut self, partition: PartitionId, term: Term) {
        self.paused.insert(term);
        if let Some(session) = self.session_of(partition, term) {
            session.paused = true;
        }
    }

    pub(in crate::member) fn resume_reading(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        term: Term,
    ) {
        self.paused.remove(&term);
        if let Some(session) = self.session_of(partition, term) {
            session.paused = false;
            self.fetch(fabric, partition);
        }
    }

    fn session_of(&mut self, partition: PartitionId, term: Term) -> Option<&mut Session> {
        self.sessions.get_mut(&partition).filter(|session| session.term == term)
    }

    /// The loop took what was read.
    pub(in crate::member) fn on_taken(&mut self, fabric: &mut Fabric, read: &Read) {
        let Some(session) = self.sessions.get_mut(&read.partition) else { return };
        if session.term == read.term {
            session.waiting = session.waiting.saturating_sub(1);
            session.taken = session.taken.max(read.next);
            self.fetch(fabric, read.partition);
        }
    }

    fn fetch(&mut self, fabric: &mut Fabric, partition: PartitionId) {
        let Some(session) = self.sessions.get_mut(&partition) else { return };
        let busy = session.fetching || session.waiting >= FETCHED_AHEAD;
        if session.paused || session.failed || busy {
            return;
        }
        session.fetching = true;
        let (position, epoch) = (session.position, session.epoch);
        let end_told = session.end_told == Some(position);
        let most = fabric.plan.fetch_size;
        let ask = Ask::Fetch { partition, position, end_told, most };
        self.call(fabric, ask, Call::Fetch { partition, epoch });
    }

    pub(super) fn fetch_again(&mut self, fabric: &mut Fabric, partition: PartitionId, epoch: u64) {
        let session = self.sessions.get_mut(&partition).filter(|session| session.epoch == epoch);
        if let Some(session) = session {
            session.fetching = false;
            self.fetch(fabric, partition);
        }
    }

    pub(super) fn on_fetched(
        &mut self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        partition: PartitionId,
        epoch: u64,
        answered: Answered,
    ) {
        let session = self.sessions.get_mut(&partition).filter(|session| session.epoch == epoch);
        let Some(session) = session else { return };
        session.fetching = false;
        let term = session.term;
        match answered {
            Answered::Failed(Code::OffsetOutOfRange) => {
                session.failed = true;
                fabric.reach(Reached::ResetWhileReading);
                let failure = FetchFailure::OutOfRange;
                mail.client.push_back(FromClient::FetchFailed { term, failure });
            }
            Answered::Fetched(fetched) => {
                session.position = fetched.next;
                let last = fetched.records.last().map(|record| record.offset);
                if let Some(last) = last {
                    let next = last + 1;
                    let content = Content::Records(fetched.records);
                    session.waiting += 1;
                    mail.reads.push_back(Read { partition, term, content, next });
                }
                if fetched.at_end {
                    if last.map_or(fetched.from, |last| last + 1) < fetched.next {
                        fabric.reach(Reached::EndBehindMarkers);
                    }
                    session.end_told = Some(fetched.next);
                    session.waiting += 1;
                    let next = fetched.next;
                    mail.reads.push_back(Read { partition, term, content: Content::End, next });
                }
                self.fetch(fabric, partition);
            }
            _ => self.fetch(fabric, partition),
        }
    }

    /// Forgets what was fetched ahead, and goes on from what the loop took.
    pub(super) fn purge(&mut self, fabric: &mut Fabric, mail: &mut Mailbox) {
        if !self.sessions.is_empty() {
            fabric.reach(Reached::Purged);
        }
        let partitions: Vec<_> = self.sessions.keys().copied().collect();
        for partition in partitions {
            let further = fabric.fault(fabric.plan.faults.reread);
            let back = if further { fabric.random.spread(1, 20) as i64 } else { 0 };
            self.epochs += 1;
            let Some(session) = self.sessions.get_mut(&partition) else { continue };
            mail.purge(partition);
            session.epoch = self.epochs;
            session.position = (session.taken - back).max(session.start);
            session.fetching = false;
            session.waiting = 0;
            session.end_told = None;
            self.fetch(fabric, partition);
        }
    }
}
