//! Joining, leaving and being thrown out of the group.
//!
//! Under the eager protocol everything is given up before each join; under the cooperative one a
//! member joins with what it has, and gives up what the new plan does not let it keep, and joins
//! once more. A heartbeat tells that a rebalance began, or that the group forgot this member; then
//! all its partitions are lost.

use super::{AfterRelease, Call, Client, Phase, Then, new_member};
use crate::fabric::{Event, Fabric, PartitionId};
use crate::kafka::assignor;
use crate::kafka::message::{Answered, Ask, Code, Join};
use crate::member::Alarm;
use crate::member::mailbox::{FromClient, Mailbox};
use crate::plan::Protocol;
use crate::random::Chance;
use crate::reach::Reached;

use std::rc::Rc;

impl Client {
    pub(super) fn rejoin(&mut self, fabric: &mut Fabric) {
        if matches!(self.phase, Phase::Closed | Phase::Releasing(_)) {
            return;
        }
        if !self.knows_coordinator {
            self.phase = Phase::Outside;
            return;
        }
        self.phase = Phase::Joining;
        let join = Join {
            member: self.member,
            rejoins: self.known,
            owned: self.owned.iter().copied().collect(),
            owned_generation: self.owned_generation,
        };
        self.call(fabric, Ask::Join(join), Call::Join);
    }

    pub(super) fn on_joined(
        &mut self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        answered: Answered,
    ) {
        if self.phase != Phase::Joining {
            return;
        }
        match answered {
            Answered::Joined { generation, members } => {
                self.known = true;
                self.generation = generation;
                self.phase = Phase::Syncing;
                let plan = members.map(|members| {
                    let restless = match fabric.faulty {
                        true => fabric.plan.faults.restless,
                        false => Chance::NEVER,
                    };
                    let partitions: Vec<_> = fabric.existing_partitions();
                    let protocol = fabric.plan.protocol;
                    let random = &mut fabric.random;
                    Rc::new(assignor::assign(random, protocol, restless, &members, &partitions))
                });
                let ask = Ask::Sync { member: self.member, generation, plan };
                self.call(fabric, ask, Call::Sync);
            }
            Answered::Failed(Code::UnknownMember) => self.on_thrown_out(fabric, mail),
            _ => self.rejoin(fabric),
        }
    }

    pub(super) fn on_synced(
        &mut self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        answered: Answered,
    ) {
        if self.phase != Phase::Syncing {
            return;
        }
        match answered {
            Answered::Synced { share } => self.take_share(fabric, mail, &share),
            Answered::Failed(Code::UnknownMember | Code::IllegalGeneration) => {
                self.on_thrown_out(fabric, mail);
            }
            _ => self.rejoin(fabric),
        }
    }

    fn take_share(&mut self, fabric: &mut Fabric, mail: &mut Mailbox, share: &[PartitionId]) {
        self.last_beat = fabric.now;
        self.owned_generation = self.generation;
        fabric.note_rejoined(self.id.process);
        let revoked: Vec<_> =
            self.owned.iter().copied().filter(|owned| !share.contains(owned)).collect();
        let added: Vec<_> = share.iter().copied().filter(|new| !self.owned.contains(new)).collect();
        if fabric.plan.protocol == Protocol::Cooperative {
            for _ in share.iter().filter(|kept| self.owned.contains(kept)) {
                fabric.reach(Reached::Kept);
            }
        }
        self.maybe_purge(fabric, mail);
        if revoked.is_empty() {
            self.phase = Phase::Member;
            self.assign(mail, added);
        } else {
            let after = AfterRelease { assign: added, then: Then::Rejoin };
            self.phase = Phase::Releasing(after);
            self.unanswered += 1;
            mail.client.push_back(FromClient::Revoked(revoked));
        }
    }

    fn assign(&mut self, mail: &mut Mailbox, added: Vec<PartitionId>) {
        if !added.is_empty() {
            self.owned.extend(&added);
            mail.client.push_back(FromClient::Assigned(added));
        }
    }

    pub(super) fn plan_heartbeat(&self, fabric: &mut Fabric) {
        let alarm = Alarm::Heartbeat(self.id.client);
        let interval = fabric.plan.heartbeat_interval * fabric.throttle.min(2);
        fabric.after(interval, Event::Alarm(self.id.process, alarm));
    }

    pub(in crate::member) fn on_heartbeat_due(&mut self, fabric: &mut Fabric, mail: &mut Mailbox) {
        if self.phase == Phase::Closed {
            return;
        }
        self.plan_heartbeat(fabric);
        if !matches!(self.phase, Phase::Member | Phase::Releasing(_)) || !self.known {
            return;
        }
        if fabric.now - self.last_beat > fabric.plan.session_timeout {
            self.on_thrown_out(fabric, mail);
        } else if self.knows_coordinator {
            let ask = Ask::Heartbeat { member: self.member, generation: self.generation };
            self.call(fabric, ask, Call::Heartbeat);
        }
    }

    pub(super) fn on_beat(&mut self, fabric: &mut Fabric, mail: &mut Mailbox, answer: &Answered) {
        match answer {
            Answered::Beat => self.last_beat = fabric.now,
            Answered::Failed(Code::RebalanceInProgress) => {
                self.last_beat = fabric.now;
                if self.phase == Phase::Member {
                    self.follow_rebalance(fabric, mail);
                }
            }
            Answered::Failed(Code::UnknownMember | Code::IllegalGeneration)
                if matches!(self.phase, Phase::Member | Phase::Releasing(_)) =>
            {
                self.on_thrown_out(fabric, mail);
            }
            _ => {}
        }
    }

    /// The group rebalances.
    pub(in crate::member) fn follow_rebalance(&mut self, fabric: &mut Fabric, mail: &mut Mailbox) {
        if self.phase != Phase::Member {
            return;
        }
        self.maybe_purge(fabric, mail);
        if fabric.plan.protocol == Protocol::Cooperative || self.owned.is_empty() {
            self.rejoin(fabric);
        } else {
            let after = AfterRelease { assign: Vec::new(), then: Then::Rejoin };
            self.phase = Phase::Releasing(after);
            self.unanswered += 1;
            mail.client.push_back(FromClient::Revoked(self.owned.iter().copied().collect()));
        }
    }

    /// The group forgot this member: whatever it owned is gone.
    pub(super) fn on_thrown_out(&mut self, fabric: &mut Fabric, mail: &mut Mailbox) {
        if !self.known || self.phase == Phase::Closed {
            return;
        }
        fabric.trace(|| format!("{} is out of the group", self.id.process));
        self.known = false;
        self.generation = -1;
        let giving: bool = matches!(self.phase, Phase::Releasing(_));
        if giving {
            fabric.reach(Reached::LostWhileDraining);
        }
        if self.owned.is_empty() {
            self.phase = Phase::Outside;
            self.join_anew(fabric);
            return;
        }
        // A client that is asked to give something up may not say that it is lost meanwhile.
        if !giving || fabric.plan.tells_late_loss || fabric.plan.protocol == Protocol::Cooperative {
            self.unanswered += 1;
            mail.client.push_back(FromClient::Lost(self.owned.iter().copied().collect()));
        }
        self.phase = Phase::Releasing(AfterRelease { assign: Vec::new(), then: Then::JoinAnew });
    }

    fn join_anew(&mut self, fabric: &mut Fabric) {
        self.member = new_member(self.id, self.member.0 % 100 + 1);
        self.owned_generation = -1;
        self.rejoin(fabric);
    }

    /// The process answered a revocation or a loss; says whether there was one.
    pub(in crate::member) fn on_answered(
        &mut self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        released: &[PartitionId],
    ) -> bool {
        let Some(unanswered) = self.unanswered.checked_sub(1) else { return false };
        self.unanswered = unanswered;
        for partition in released {
            self.owned.remove(partition);
            self.stop_reading(*partition);
        }
        if unanswered == 0 {
            self.on_released(fabric, mail);
        }
        true
    }

    /// The process let go of everything that it was asked for.
    fn on_released(&mut self, fabric: &mut Fabric, mail: &mut Mailbox) {
        let Phase::Releasing(after) = std::mem::replace(&mut self.phase, Phase::Outside) else {
            unreachable!("only a client that waits for a release has asked for one")
        };
        if after.then == Then::JoinAnew {
            self.owned.clear();
            self.sessions.clear();
            self.join_anew(fabric);
        } else {
            self.assign(mail, after.assign);
            self.rejoin(fabric);
        }
    }

    fn maybe_purge(&mut self, fabric: &mut Fabric, mail: &mut Mailbox) {
        if fabric.fault(fabric.plan.faults.purge) {
            self.purge(fabric, mail);
        }
    }
}
