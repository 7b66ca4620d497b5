//! Events of the client, as inputs of the engine.
//!
//! Rebalances are the delicate ones. The classic protocol holds every partition of this member
//! still while an assignment waits for its answer, so an assignment is answered at once with
//! nothing in it, and its partitions are added one by one when their starts are known. A
//! revocation is answered once, for all partitions that it names, when the engine has let go of
//! the last of them: until then the group waits, and the next owner cannot start.
//!
//! The client does not always say that the group went on without this member: a member whose join
//! was answered with "unknown" joins again under a new name and keeps its partitions, although
//! somebody else may have had them. The name tells.

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use surefoot_core::{EffectId, Input, Outcome, Refusal, Released, Term, TopicPartition};

use super::Room;
use super::ending::{RoomError, StartError};
use super::held::Giveback;
use super::observed::Observed;
use crate::kafka::native::{Code, CommitResult, Event, Failure, Fault, RebalanceProtocol};
use crate::kafka::verdict::{self, Meaning};

/// How long "not authorised" is taken for a credential that is being renewed (brokers answer so
/// when a token just expired). A guess: renewals take seconds.
const AUTHORIZATION_GRACE: Duration = Duration::from_secs(30);
/// The client says at each failed attempt that no broker is there; once in a while is enough.
const TELL_AGAIN_AFTER: Duration = Duration::from_secs(60);

impl Room {
    /// Takes what the client has to say.
    pub(super) fn take_event(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => self.on_assigned(partitions),
            Event::Revoked { partitions, lost } => self.on_revoked(partitions, lost),
            Event::CommitEnded { opaque, error, partitions } => {
                self.on_commit(EffectId(opaque), error, &partitions);
            }
            Event::Fault(fault) => self.on_fault(&fault),
            answer @ (Event::CommittedOffsets { .. }
            | Event::ListedOffsets { .. }
            | Event::DescribedTopics { .. }) => self.on_answer(answer),
        }
    }

    fn on_assigned(&mut self, partitions: Vec<TopicPartition>) {
        self.joined = true;
        self.denied_since = None;
        let answered = match self.client.rebalance_protocol() {
            RebalanceProtocol::Eager => self.client.assign(&[]),
            RebalanceProtocol::Cooperative | RebalanceProtocol::None => {
                self.client.incremental_assign(&[])
            }
        };
        if let Err(failure) = answered {
            self.fail(&failure, "an assignment cannot be answered");
            return;
        }
        if self.is_replaced() {
            self.begin_anew(self.held.iter().map(|held| held.partition.clone()).collect());
            self.settle();
        }
        if partitions.is_empty() {
            return;
        }
        tracing::info!(?partitions, "assigned");
        self.backlog.push_back(Input::Assigned(partitions));
        self.settle();
    }

    fn on_revoked(&mut self, partitions: Vec<TopicPartition>, lost: bool) {
        let replaced = self.is_replaced();
        let lost = lost || replaced;
        tracing::info!(?partitions, lost, "asked back");
        let held = self.held.iter().map(|held| held.partition.clone());
        let (waiting, kept): (BTreeSet<_>, BTreeSet<_>) =
            held.partition(|held| partitions.contains(held));
        self.reborn.retain(|partition| !waiting.contains(partition));
        self.giveback = Some(Giveback { waiting: waiting.clone(), unassign: Vec::new() });
        if lost {
            self.lose(waiting);
        } else {
            self.tell_asked_back(&waiting, lost);
            self.backlog.push_back(Input::Revoked(waiting.into_iter().collect()));
        }
        if replaced {
            self.begin_anew(kept);
        }
        self.settle();
        self.answer_giveback();
    }

    fn lose(&mut self, partitions: BTreeSet<TopicPartition>) {
        if partitions.is_empty() {
            return;
        }
        self.tell_asked_back(&partitions, true);
        self.backlog.push_back(Input::Lost(partitions.into_iter().collect()));
    }

    fn tell_asked_back(&mut self, partitions: &BTreeSet<TopicPartition>, lost: bool) {
        for held in self.held.iter_mut().filter(|held| partitions.contains(&held.partition)) {
            let (term, partition) = (held.term, &held.partition);
            if !lost {
                self.observer.tell(&Observed::Revoking { term, partition });
            } else if !mem::replace(&mut held.lost, true) {
                self.observer.tell(&Observed::Lost { term, partition });
            }
        }
    }

    /// The engine let go of partitions, of which `unread` are still the client's.
    pub(super) fn let_go(&mut self, unread: &[TopicPartition], released: &[Released]) {
        if let Some(giveback) = &mut self.giveback {
            for Released { partition, .. } in released {
                giveback.waiting.remove(partition);
            }
            giveback.unassign.extend(unread.iter().cloned());
        }
        let again: Vec<_> = released
            .iter()
            .map(|it| &it.partition)
            .filter(|it| self.reborn.contains(it))
            .cloned()
            .collect();
        self.reborn.retain(|it| !again.contains(it));
        if self.giveback.is_none() && !again.is_empty() {
            let theirs: Vec<_> = unread.iter().filter(|it| again.contains(it)).cloned().collect();
            if let Err(failure) = self.client.incremental_unassign(&theirs) {
                self.fail(&failure, "partitions of an old membership cannot be let go");
                return;
            }
        }
        self.returning.extend(again);
        self.answer_giveback();
    }

    /// Answers the group's question if the engine has let go of everything that it named.
    pub(super) fn answer_giveback(&mut self) {
        match &self.giveback {
            Some(giveback) if !giveback.waiting.is_empty() => return,
            _ => {}
        }
        if let Some(giveback) = self.giveback.take() {
            let answered = match self.client.rebalance_protocol() {
                RebalanceProtocol::Eager => self.client.unassign(),
                RebalanceProtocol::Cooperative | RebalanceProtocol::None => {
                    self.client.incremental_unassign(&giveback.unassign)
                }
            };
            if let Err(failure) = answered {
                self.fail(&failure, "a revocation cannot be answered");
            }
        }
        if !self.returning.is_empty() {
            let returning = mem::take(&mut self.returning);
            self.backlog.push_back(Input::Assigned(returning));
        }
    }

    /// Whether commits go out under the name under which the partitions were assigned.
    pub(super) fn is_same_member(&self) -> bool {
        self.client.member_id() == self.member
    }

    /// Whether the group has replaced this member since it got what it holds. Says so once.
    fn is_replaced(&mut self) -> bool {
        let name = self.client.member_id();
        let before = mem::replace(&mut self.member, name);
        let replaced = before != self.member && !self.held.is_empty();
        if replaced {
            tracing::warn!(
                %before,
                now = %self.member,
                "the group went on without this member: what it held begins anew"
            );
        }
        replaced
    }

    /// Ends the terms of partitions that the member kept under its new name, and has the engine
    /// start them anew once it has let go of them.
    fn begin_anew(&mut self, kept: BTreeSet<TopicPartition>) {
        self.reborn.extend(kept.iter().cloned());
        self.lose(kept);
    }

    fn on_commit(&mut self, id: EffectId, error: Option<Code>, results: &[CommitResult]) {
        let Some(positions) = self.commits.get(&id) else { return };
        let same_member = self.is_same_member();
        let of = |code| commit_outcome(code, same_member);
        let whole = error.map(of);
        let outcomes: Vec<_> = positions
            .iter()
            .map(|asked| {
                let result = results.iter().find(|it| it.partition == asked.partition);
                let outcome = match (result.and_then(|it| it.error), &whole) {
                    (Some(code), _) => of(code),
                    (None, Some(whole)) => whole.clone(),
                    // A partition that the answer does not name was not answered.
                    (None, None) if result.is_none() => Outcome::Unknown,
                    (None, None) => Outcome::Done(()),
                };
                (asked.term, outcome)
            })
            .collect();
        for result in results.iter().filter(|it| it.error.is_some()) {
            let CommitResult { partition, position, error } = result;
            tracing::warn!(%partition, %position, ?error, "commit failed");
        }
        if let (Some(code), true) = (error, results.iter().all(|it| it.error.is_none())) {
            tracing::warn!(%code, "commit failed");
        }
        self.commit_ended(id, outcomes);
    }

    /// A commit's outcome is known for all of its terms.
    pub(super) fn commit_ended(&mut self, id: EffectId, outcomes: Vec<(Term, Outcome<()>)>) {
        let Some(positions) = self.commits.remove(&id) else { return };
        self.observer.tell(&Observed::CommitEnded {
            effect: id,
            positions: &positions,
            outcomes: &outcomes,
        });
        let outcomes: Vec<_> = outcomes
            .into_iter()
            .map(|(term, outcome)| match outcome {
                Outcome::Refused(refusal) => (term, Outcome::Refused(self.with_grace(refusal))),
                other => (term, other),
            })
            .collect();
        if outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Done(())) {
            self.denied_since = None;
        }
        self.backlog.push_back(Input::EffectEnded { effect: id, outcomes });
    }

    /// "Not authorised" as "not now", while it may be a credential that is being renewed.
    pub(super) fn with_grace(&mut self, refusal: Refusal) -> Refusal {
        if refusal != Refusal::Unauthorized || !self.joined {
            return refusal;
        }
        if self.is_denied_for_long() { refusal } else { Refusal::Unavailable }
    }

    fn is_denied_for_long(&mut self) -> bool {
        let since = *self.denied_since.get_or_insert(self.now.mono);
        self.now.mono.since(since) >= AUTHORIZATION_GRACE
    }

    fn on_fault(&mut self, fault: &Fault) {
        let Fault { code, fatal, message, partition } = fault;
        if *fatal || *code == Code::FATAL {
            let failure = self
                .client
                .fatal_error()
                .unwrap_or_else(|| Failure { code: *code, message: message.clone() });
            self.on_fatal(&failure);
        } else if *code == Code::GROUP_AUTHORIZATION_FAILED {
            self.on_group_denied();
        } else if *code == Code::ALL_BROKERS_DOWN {
            self.on_brokers_down(message);
        } else if matches!(verdict::meaning_of(*code), Meaning::Ambiguous | Meaning::Unavailable) {
            // The client goes on by itself, and has logged it.
            tracing::debug!(?partition, %code, "{message}");
        } else {
            // A partition that cannot be read says so in its queue.
            tracing::warn!(?partition, %code, "{message}");
        }
    }

    /// Not the end: brokers come back, and the client finds them.
    fn on_brokers_down(&mut self, message: &str) {
        let told = self.brokers_down_told;
        if told.is_none_or(|told| self.now.mono.since(told) >= TELL_AGAIN_AFTER) {
            self.brokers_down_told = Some(self.now.mono);
            tracing::warn!("{message}: trying again");
        }
    }

    fn on_fatal(&mut self, failure: &Failure) {
        if verdict::meaning_of(failure.code) != Meaning::InstanceFenced {
            self.fail(failure, "fatal error");
            return;
        }
        let instance = self.settings.option("group.instance.id").unwrap_or_default().to_owned();
        let group = self.settings.group().to_owned();
        self.failure.get_or_insert(RoomError::InstanceFenced { instance, group });
    }

    fn on_group_denied(&mut self) {
        let group = self.settings.group().to_owned();
        let principal = self.settings.principal_or_anybody();
        if !self.joined {
            let denied = StartError::GroupUnauthorized { group, principal };
            self.failure.get_or_insert(RoomError::Start(denied));
        } else if self.is_denied_for_long() {
            let grace = AUTHORIZATION_GRACE;
            let denied = RoomError::GroupUnauthorized { group, principal, grace };
            self.failure.get_or_insert(denied);
        } else {
            tracing::warn!(%group, "not authorised for the group; trying again");
        }
    }
}

/// How a commit ended. A member that the group still knows by its name cannot have been replaced:
/// its commit was held up behind its own join (brokers answer one request of a connection after
/// the other) and met the generation that this join began. What it kept, it may commit again.
fn commit_outcome(code: Code, same_member: bool) -> Outcome<()> {
    if code == Code::ILLEGAL_GENERATION && same_member {
        return Outcome::Refused(Refusal::Rebalancing);
    }
    verdict::commit_outcome(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_23_and_24_an_old_generation_under_the_same_name_is_a_rebalance() {
        let (generation, member) = (Code::ILLEGAL_GENERATION, Code::UNKNOWN_MEMBER_ID);
        for (code, same_member, refusal) in [
            (generation, true, Refusal::Rebalancing),
            (generation, false, Refusal::Fenced),
            (member, true, Refusal::Fenced),
            (member, false, Refusal::Fenced),
        ] {
            assert_eq!(commit_outcome(code, same_member), Outcome::Refused(refusal));
        }
    }
}
