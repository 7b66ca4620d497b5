//! The client between a process and the brokers, after librdkafka.
//!
//! It keeps the membership by itself: joins, syncs, sends heartbeats, and tells the process which
//! partitions came, are asked back, or are lost. It waits for the process's release before it
//! gives partitions back. Its own thread goes on while the process's loop is busy, and stops only
//! with the whole process.

mod commits;
mod membership;
mod reading;
mod starts;

use std::collections::{BTreeMap, BTreeSet};

use surefoot_core::{EffectId, Term};

use super::Alarm;
use super::mailbox::Mailbox;
use crate::fabric::{CallId, ClientId, Event, Fabric, PartitionId};
use crate::kafka::group::MemberId;
use crate::kafka::message::{Answered, Ask, Code, Reply};
use crate::random::Chance;
use crate::schedule::{MILLI, Micros, SECOND};
use commits::{HeldCommit, LateCommit};
pub(super) use reading::Session;

/// Where the client is in the group's protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Not in the group, or about to join again.
    Outside,
    Joining,
    Syncing,
    Member,
    /// Waits for the process to release partitions.
    Releasing(AfterRelease),
    Closed,
}

/// What follows a release.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AfterRelease {
    assign: Vec<PartitionId>,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Rejoin,
    /// As a stranger: the group forgot this member.
    JoinAnew,
}

/// A request that was not answered yet.
#[derive(Clone, Debug)]
enum Call {
    Coordinator,
    Join,
    Sync,
    Heartbeat,
    Commit { effect: EffectId, positions: Vec<(PartitionId, i64)>, ask: Ask },
    Offsets { term: Term, partition: PartitionId, timestamp: Option<i64> },
    Ends { term: Term, committed: Option<i64>, topic_has_commits: bool },
    Fetch { partition: PartitionId, epoch: u64 },
}

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: ClientId,
    member: MemberId,
    /// The group knows, or should know, this member.
    known: bool,
    generation: i32,
    phase: Phase,
    knows_coordinator: bool,
    pub(super) owned: BTreeSet<PartitionId>,
    /// Revocations and losses that the process has not answered.
    unanswered: usize,
    owned_generation: i32,
    calls: BTreeMap<CallId, Call>,
    held: Vec<HeldCommit>,
    late: BTreeMap<CallId, LateCommit>,
    commit_order: u64,
    last_beat: Micros,
    sessions: BTreeMap<PartitionId, Session>,
    paused: BTreeSet<Term>,
    epochs: u64,
}

impl Client {
    pub(super) fn new(fabric: &mut Fabric, id: ClientId) -> Self {
        Self {
            id,
            member: new_member(id, 0),
            known: false,
            generation: -1,
            phase: Phase::Outside,
            knows_coordinator: false,
            owned: BTreeSet::new(),
            unanswered: 0,
            owned_generation: -1,
            calls: BTreeMap::new(),
            held: Vec::new(),
            late: BTreeMap::new(),
            commit_order: 0,
            last_beat: fabric.now,
            sessions: BTreeMap::new(),
            paused: BTreeSet::new(),
            epochs: 0,
        }
    }

    pub(super) fn start(&mut self, fabric: &mut Fabric) {
        self.look_for_coordinator(fabric);
        self.plan_heartbeat(fabric);
    }

    /// A reply came in.
    pub(super) fn on_reply(&mut self, fabric: &mut Fabric, mail: &mut Mailbox, reply: Reply) {
        let Some(call) = self.calls.remove(&reply.call) else {
            self.on_late_reply(fabric, mail, reply);
            return;
        };
        if let Answered::Failed(Code::NotCoordinator) = reply.body {
            self.lose_coordinator(fabric);
        }
        match call {
            Call::Coordinator => self.on_coordinator(fabric, mail, &reply.body),
            Call::Join => self.on_joined(fabric, mail, reply.body),
            Call::Sync => self.on_synced(fabric, mail, reply.body),
            Call::Heartbeat => self.on_beat(fabric, mail, &reply.body),
            Call::Commit { effect, positions, .. } => {
                self.on_committed(fabric, mail, reply.call, effect, positions, reply.body);
            }
            Call::Offsets { term, partition, timestamp } => {
                self.on_offsets(fabric, mail, term, partition, timestamp, reply.body);
            }
            Call::Ends { term, committed, topic_has_commits } => {
                self.on_ends(fabric, mail, term, committed, topic_has_commits, reply.body);
            }
            Call::Fetch { partition, epoch } => {
                self.on_fetched(fabric, mail, partition, epoch, reply.body);
            }
        }
    }

    /// A request was not answered in time.
    pub(super) fn on_call_timeout(&mut self, fabric: &mut Fabric, mail: &mut Mailbox, id: CallId) {
        let Some(call) = self.calls.remove(&id) else { return };
        let forgets = !matches!(call, Call::Fetch { .. } | Call::Ends { .. });
        if forgets && fabric.random.chance(Chance::percent(20)) {
            self.lose_coordinator(fabric);
        }
        match call {
            Call::Coordinator => self.plan_coordinator_search(fabric),
            Call::Join | Call::Sync => self.rejoin(fabric),
            Call::Heartbeat => {}
            Call::Commit { effect, positions, ask } => {
                self.on_commit_timeout(fabric, mail, id, effect, positions, ask);
            }
            Call::Offsets { term, .. } | Call::Ends { term, .. } => {
                self.on_start_timeout(fabric, mail, term);
            }
            Call::Fetch { partition, epoch } => self.fetch_again(fabric, partition, epoch),
        }
    }

    /// Leaves the group, if it can still say so, and is gone.
    pub(super) fn close(&mut self, fabric: &mut Fabric) {
        if self.known && self.phase != Phase::Closed {
            fabric.request(self.id, Ask::Leave { member: self.member });
        }
        self.phase = Phase::Closed;
        self.calls.clear();
        self.held.clear();
        self.sessions.clear();
    }

    pub(super) fn is_member(&self) -> bool {
        self.phase == Phase::Member
    }

    fn call(&mut self, fabric: &mut Fabric, ask: Ask, call: Call) {
        let timeout = match call {
            Call::Join => fabric.plan.rebalance_timeout + 5 * SECOND,
            Call::Fetch { .. } => 10 * SECOND,
            _ => fabric.plan.request_timeout,
        };
        let id = fabric.request(self.id, ask);
        self.calls.insert(id, call);
        self.plan_timeout(fabric, id, timeout);
    }

    fn plan_timeout(&self, fabric: &mut Fabric, call: CallId, timeout: Micros) {
        let alarm = Alarm::CallTimeout(self.id.client, call);
        fabric.after(timeout, Event::Alarm(self.id.process, alarm));
    }

    fn lose_coordinator(&mut self, fabric: &mut Fabric) {
        if std::mem::replace(&mut self.knows_coordinator, false) {
            self.plan_coordinator_search(fabric);
        }
    }

    fn plan_coordinator_search(&self, fabric: &mut Fabric) {
        let delay = fabric.random.between(100, 1_000) * MILLI;
        let alarm = Alarm::FindCoordinator(self.id.client);
        fabric.after(delay, Event::Alarm(self.id.process, alarm));
    }

    pub(super) fn look_for_coordinator(&mut self, fabric: &mut Fabric) {
        if !self.knows_coordinator && self.phase != Phase::Closed {
            self.call(fabric, Ask::FindCoordinator, Call::Coordinator);
        }
    }

    fn on_coordinator(&mut self, fabric: &mut Fabric, mail: &mut Mailbox, answered: &Answered) {
        if !matches!(answered, Answered::Coordinator) {
            self.plan_coordinator_search(fabric);
            return;
        }
        self.knows_coordinator = true;
        self.send_held_commits(fabric, mail);
        if self.phase == Phase::Outside {
            self.rejoin(fabric);
        }
    }
}

/// A member name that no other client has.
fn new_member(id: ClientId, times: u32) -> MemberId {
    let process = u32::from(id.process.member) * 1_000_000 + id.process.incarnation * 10_000;
    MemberId(process + id.client * 100 + times)
}
