//! Commits on their way: sent, held back, sent again, answered late.
//!
//! A commit that finds no coordinator is not refused: the client keeps it and sends it when there
//! is one, with the member and generation that it has by then. A request without an answer is
//! reported as unknown, or silently sent once more. Of both the engine has to make the best.

use surefoot_core::{EffectId, Outcome, Refusal};

use super::{Call, Client, Phase};
use crate::fabric::{CallId, Event, Fabric, PartitionId};
use crate::kafka::message::{Answered, Ask, Code, CommitRequest, Reply};
use crate::member::Alarm;
use crate::member::mailbox::{FromClient, Mailbox, Repeated};
use crate::reach::Reached;
use crate::schedule::{Micros, SECOND};

/// A commit that waits for a coordinator.
#[derive(Clone, Debug)]
pub(super) struct HeldCommit {
    effect: EffectId,
    positions: Vec<(PartitionId, i64)>,
    generation: i32,
    since: Micros,
}

/// A commit whose outcome was reported as unknown and whose reply may still come.
#[derive(Clone, Debug)]
pub(super) struct LateCommit {
    effect: EffectId,
}

impl Client {
    /// The process wants a commit.
    pub(in crate::member) fn commit(
        &mut self,
        fabric: &mut Fabric,
        effect: EffectId,
        positions: Vec<(PartitionId, i64)>,
    ) {
        if !self.knows_coordinator || fabric.fault(fabric.plan.faults.hold_commit) {
            self.hold(fabric, effect, positions);
        } else {
            self.send_commit(fabric, effect, positions);
        }
    }

    fn hold(&mut self, fabric: &mut Fabric, effect: EffectId, positions: Vec<(PartitionId, i64)>) {
        fabric.reach(Reached::CommitHeld);
        fabric.trace(|| format!("{} holds back commit {}", self.id.process, effect.0));
        let (generation, since) = (self.generation, fabric.now);
        self.held.push(HeldCommit { effect, positions, generation, since });
        if self.knows_coordinator {
            // Not for want of a coordinator, so nothing else would send it.
            let delay = fabric.random.spread(10_000, 20 * SECOND);
            let alarm = Alarm::SendHeld(self.id.client);
            fabric.after(delay, Event::Alarm(self.id.process, alarm));
        }
    }

    fn send_commit(
        &mut self,
        fabric: &mut Fabric,
        effect: EffectId,
        positions: Vec<(PartitionId, i64)>,
    ) {
        self.commit_order += 1;
        let ask = Ask::Commit(CommitRequest {
            member: self.known.then_some(self.member),
            generation: self.generation,
            order: self.commit_order,
            effect: effect.0,
            positions: positions.clone(),
        });
        self.call(fabric, ask.clone(), Call::Commit { effect, positions, ask });
    }

    /// Sends what was held back, under the generation of now.
    pub(in crate::member) fn send_held_commits(&mut self, fabric: &mut Fabric, mail: &mut Mailbox) {
        if !self.knows_coordinator {
            return;
        }
        for held in std::mem::take(&mut self.held) {
            if fabric.now - held.since > fabric.plan.session_timeout && fabric.random.coin() {
                let code = Outcome::Refused(Refusal::Unavailable);
                self.report(fabric, mail, held.effect, &held.positions, &code);
                continue;
            }
            fabric.reach(Reached::HeldCommitSent);
            if !self.known {
                fabric.reach(Reached::CommitByStranger);
            }
            if held.generation != self.generation {
                fabric.reach(Reached::HeldCommitOtherGeneration);
            }
            self.send_commit(fabric, held.effect, held.positions);
        }
    }

    pub(super) fn on_committed(
        &mut self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        call: CallId,
        effect: EffectId,
        positions: Vec<(PartitionId, i64)>,
        answered: Answered,
    ) {
        match answered {
            Answered::Committed(results) => {
                let outcomes: Vec<_> = results
                    .iter()
                    .map(|(partition, result)| (*partition, outcome_of(*result)))
                    .collect();
                self.tell(fabric, mail, effect, outcomes);
                let thrown_out = results.iter().any(|(_, result)| {
                    matches!(result, Err(Code::UnknownMember | Code::IllegalGeneration))
                });
                // While it rebalances already, the client takes no notice.
                if thrown_out && self.phase == Phase::Member {
                    self.on_thrown_out(fabric, mail);
                }
            }
            Answered::Failed(Code::NotCoordinator) if fabric.random.coin() => {
                self.hold(fabric, effect, positions);
            }
            Answered::Failed(Code::NotCoordinator) => {
                // A coordinator that just lost its office may have stored it.
                fabric.note_unknown(call);
                self.report(fabric, mail, effect, &positions, &Outcome::Unknown);
            }
            Answered::Failed(code) => {
                self.report(fabric, mail, effect, &positions, &outcome_of(Err(code)));
            }
            _ => unreachable!("a commit is answered as one"),
        }
    }

    pub(super) fn on_commit_timeout(
        &mut self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        call: CallId,
        effect: EffectId,
        positions: Vec<(PartitionId, i64)>,
        ask: Ask,
    ) {
        let what = fabric.random.below(4);
        if what == 0 {
            fabric.send_again(self.id, call, ask.clone());
            let timeout = fabric.plan.request_timeout;
            self.calls.insert(call, Call::Commit { effect, positions, ask });
            self.plan_timeout(fabric, call, timeout);
            return;
        }
        if what == 1 {
            // Its connection broke: it is sent again as if it had never been, whatever became of
            // it.
            fabric.reach(Reached::CommitSentTwice);
            self.hold(fabric, effect, positions);
            return;
        }
        fabric.note_unknown(call);
        self.late.insert(call, LateCommit { effect });
        self.report(fabric, mail, effect, &positions, &Outcome::Unknown);
    }

    /// A reply that nobody waits for any more.
    pub(super) fn on_late_reply(&mut self, fabric: &mut Fabric, mail: &mut Mailbox, reply: Reply) {
        let Some(late) = self.late.remove(&reply.call) else { return };
        let Answered::Committed(results) = reply.body else { return };
        fabric.reach(Reached::LateAnswer);
        let outcomes = results
            .into_iter()
            .map(|(partition, result)| (partition, outcome_of(result)))
            .collect();
        let (effect, repeated) = (late.effect, Repeated::Yes);
        mail.client.push_back(FromClient::Committed { effect, outcomes, repeated });
    }

    fn report(
        &self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        effect: EffectId,
        positions: &[(PartitionId, i64)],
        outcome: &Outcome<()>,
    ) {
        let outcomes =
            positions.iter().map(|(partition, _)| (*partition, outcome.clone())).collect();
        self.tell(fabric, mail, effect, outcomes);
    }

    fn tell(
        &self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        effect: EffectId,
        outcomes: Vec<(PartitionId, Outcome<()>)>,
    ) {
        let repeats = fabric.fault(fabric.plan.faults.repeat_answer);
        let again = repeats.then(|| outcomes.clone());
        let repeated = Repeated::No;
        mail.client.push_back(FromClient::Committed { effect, outcomes, repeated });
        if let Some(outcomes) = again {
            fabric.reach(Reached::RepeatedAnswer);
            let repeated = Repeated::Yes;
            mail.client.push_back(FromClient::Committed { effect, outcomes, repeated });
        }
    }
}

fn outcome_of(result: Result<(), Code>) -> Outcome<()> {
    match result {
        Ok(()) => Outcome::Done(()),
        Err(code) => Outcome::Refused(refusal_of(code)),
    }
}

pub(super) fn refusal_of(code: Code) -> Refusal {
    match code {
        Code::IllegalGeneration | Code::UnknownMember => Refusal::Fenced,
        Code::RebalanceInProgress => Refusal::Rebalancing,
        Code::NotCoordinator | Code::Unavailable => Refusal::Unavailable,
        Code::Unauthorized => Refusal::Unauthorized,
        Code::OffsetOutOfRange => Refusal::Invalid,
    }
}
