//! The group coordinator's view of a consumer group, after the classic protocol.
//!
//! A generation begins when every known member has joined, or the rebalance took too long; the
//! leader's plan then makes it stable. A member that is silent for its session timeout, or does
//! not join in time, is forgotten. Commits are accepted from members of the present generation,
//! also while the next one is being prepared.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::message::{Answered, Code, GroupPlan, Join};
use crate::fabric::{CallId, ClientId, Event, Fabric};
use crate::reach::Reached;
use crate::schedule::{MILLI, Micros};

/// The coordinator's name for a member; a client that was forgotten gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberId(pub(crate) u32);

/// What the coordinator wakes up for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GroupAlarm {
    Session(MemberId),
    /// The rebalance with this number has taken long enough.
    Rebalance(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    /// Members are called to join.
    Preparing,
    /// Everybody joined; the leader's plan is awaited.
    Completing,
    Stable,
}

#[derive(Debug)]
struct Membership {
    client: ClientId,
    join: Join,
    joining: Option<CallId>,
    syncing: Option<CallId>,
    deadline: Micros,
}

/// A consumer group.
#[derive(Debug)]
pub(crate) struct Group {
    state: State,
    generation: i32,
    members: BTreeMap<MemberId, Membership>,
    leader: Option<MemberId>,
    plan: Option<Rc<GroupPlan>>,
    rebalances: u64,
    /// Not before this time: a group that was empty waits a little for more members.
    earliest: Micros,
}

impl Group {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Empty,
            generation: 0,
            members: BTreeMap::new(),
            leader: None,
            plan: None,
            rebalances: 0,
            earliest: 0,
        }
    }

    pub(crate) fn join(&mut self, fabric: &mut Fabric, from: ClientId, call: CallId, join: Join) {
        let member = join.member;
        if join.rejoins && !self.members.contains_key(&member) {
            fabric.reply(from, call, Answered::Failed(Code::UnknownMember));
            return;
        }
        let deadline = fabric.now + fabric.plan.session_timeout;
        let known = self.members.insert(
            member,
            Membership { client: from, join, joining: Some(call), syncing: None, deadline },
        );
        if known.is_none() {
            fabric.schedule(deadline, Event::Group(GroupAlarm::Session(member)));
        }
        if self.state != State::Preparing {
            self.prepare(fabric);
        }
        self.complete_join_if_all(fabric);
    }

    pub(crate) fn sync(
        &mut self,
        fabric: &mut Fabric,
        from: ClientId,
        call: CallId,
        member: MemberId,
        generation: i32,
        plan: Option<Rc<GroupPlan>>,
    ) {
        if let Err(code) = self.check_member(member, generation) {
            fabric.reply(from, call, Answered::Failed(code));
            return;
        }
        match self.state {
            State::Empty | State::Preparing => {
                fabric.reply(from, call, Answered::Failed(Code::RebalanceInProgress));
            }
            State::Completing => {
                if let Some(membership) = self.members.get_mut(&member) {
                    membership.syncing = Some(call);
                }
                if let (Some(plan), true) = (plan, self.leader == Some(member)) {
                    self.plan = Some(plan);
                    self.state = State::Stable;
                    self.answer_syncs(fabric);
                }
            }
            State::Stable => {
                let share = self.share(member);
                fabric.reply(from, call, Answered::Synced { share });
            }
        }
    }

    pub(crate) fn heartbeat(
        &mut self,
        fabric: &Fabric,
        member: MemberId,
        generation: i32,
    ) -> Result<(), Code> {
        self.check_member(member, generation)?;
        self.touch(fabric, member);
        match self.state {
            State::Preparing => Err(Code::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    pub(crate) fn leave(&mut self, fabric: &mut Fabric, member: MemberId) {
        self.forget(fabric, member);
    }

    /// Whether a commit by this member in this generation is accepted.
    pub(crate) fn may_commit(
        &mut self,
        fabric: &Fabric,
        member: Option<MemberId>,
        generation: i32,
    ) -> Result<(), Code> {
        // Kafka accepts a commit of nobody's while the group is empty. See the module `kafka`.
        let member = member.ok_or(Code::UnknownMember)?;
        self.check_member(member, generation)?;
        if self.state == State::Completing {
            return Err(Code::RebalanceInProgress);
        }
        self.touch(fabric, member);
        Ok(())
    }

    pub(crate) fn on_alarm(&mut self, fabric: &mut Fabric, alarm: GroupAlarm) {
        match alarm {
            GroupAlarm::Session(member) => self.check_session(fabric, member),
            GroupAlarm::Rebalance(number) => {
                if self.rebalances == number && self.state == State::Preparing {
                    self.complete_join(fabric);
                }
            }
        }
    }

    /// A new coordinator gives everybody the whole session timeout again.
    pub(crate) fn restart_sessions(&mut self, fabric: &Fabric) {
        for membership in self.members.values_mut() {
            membership.deadline = fabric.now + fabric.plan.session_timeout;
        }
    }

    fn check_member(&self, member: MemberId, generation: i32) -> Result<(), Code> {
        if !self.members.contains_key(&member) {
            Err(Code::UnknownMember)
        } else if generation != self.generation {
            Err(Code::IllegalGeneration)
        } else {
            Ok(())
        }
    }

    fn touch(&mut self, fabric: &Fabric, member: MemberId) {
        if let Some(membership) = self.members.get_mut(&member) {
            membership.deadline = fabric.now + fabric.plan.session_timeout;
        }
    }

    fn check_session(&mut self, fabric: &mut Fabric, member: MemberId) {
        let Some(membership) = self.members.get_mut(&member) else { return };
        let waits = membership.joining.is_some() || membership.syncing.is_some();
        if waits {
            membership.deadline = fabric.now + fabric.plan.session_timeout;
        }
        if membership.deadline > fabric.now {
            let deadline = membership.deadline;
            fabric.schedule(deadline, Event::Group(GroupAlarm::Session(member)));
            return;
        }
        fabric.reach(Reached::MemberExpired);
        fabric.trace(|| format!("group: {member:?} was silent too long"));
        self.forget(fabric, member);
    }

    fn forget(&mut self, fabric: &mut Fabric, member: MemberId) {
        if self.members.remove(&member).is_none() {
            return;
        }
        match self.state {
            State::Preparing => self.complete_join_if_all(fabric),
            State::Empty => {}
            State::Completing | State::Stable => {
                self.prepare(fabric);
                self.complete_join_if_all(fabric);
            }
        }
    }

    fn prepare(&mut self, fabric: &mut Fabric) {
        for membership in self.members.values_mut() {
            if let Some(call) = membership.syncing.take() {
                let failed = Answered::Failed(Code::RebalanceInProgress);
                fabric.reply(membership.client, call, failed);
            }
        }
        let wait = match self.state {
            State::Empty => fabric.plan.initial_delay,
            _ => 0,
        };
        self.earliest = fabric.now + wait;
        self.state = State::Preparing;
        self.rebalances += 1;
        let number = self.rebalances;
        if wait > 0 {
            let at = self.earliest + MILLI;
            fabric.schedule(at, Event::Group(GroupAlarm::Rebalance(number)));
        } else {
            let at = fabric.now + fabric.plan.rebalance_timeout;
            fabric.schedule(at, Event::Group(GroupAlarm::Rebalance(number)));
        }
    }

    fn complete_join_if_all(&mut self, fabric: &mut Fabric) {
        let all = self.members.values().all(|membership| membership.joining.is_some());
        if self.state == State::Preparing && all && fabric.now >= self.earliest {
            self.complete_join(fabric);
        }
    }

    fn complete_join(&mut self, fabric: &mut Fabric) {
        let late = self.members.values().filter(|membership| membership.joining.is_none()).count();
        for _ in 0..late {
            fabric.reach(Reached::MemberTooLate);
        }
        self.members.retain(|_, membership| membership.joining.is_some());
        self.generation += 1;
        self.plan = None;
        fabric.trace(|| {
            let members: Vec<_> = self.members.keys().collect();
            format!("group: generation {} with {members:?}", self.generation)
        });
        if self.members.is_empty() {
            self.state = State::Empty;
            self.leader = None;
            return;
        }
        self.state = State::Completing;
        self.leader = self.members.keys().next().copied();
        let joins: Vec<Join> = self.members.values().map(|m| m.join.clone()).collect();
        for (&member, membership) in &mut self.members {
            membership.deadline = fabric.now + fabric.plan.session_timeout;
            let Some(call) = membership.joining.take() else { continue };
            let members = (self.leader == Some(member)).then(|| joins.clone());
            let joined = Answered::Joined { generation: self.generation, members };
            fabric.reply(membership.client, call, joined);
        }
    }

    fn answer_syncs(&mut self, fabric: &mut Fabric) {
        let deadline = fabric.now + fabric.plan.session_timeout;
        let mut answers = Vec::new();
        for (&member, membership) in &mut self.members {
            if let Some(call) = membership.syncing.take() {
                membership.deadline = deadline;
                answers.push((member, membership.client, call));
            }
        }
        for (member, client, call) in answers {
            let share = self.share(member);
            fabric.reply(client, call, Answered::Synced { share });
        }
    }

    fn share(&self, member: MemberId) -> Vec<crate::fabric::PartitionId> {
        let plan = self.plan.as_deref();
        let shares = plan.into_iter().flat_map(|plan| &plan.shares);
        shares.into_iter().find(|(of, _)| *of == member).map_or_else(Vec::new, |(_, s)| s.clone())
    }
}
