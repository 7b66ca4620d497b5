//! Where a partition starts.
//!
//! An assignment says that a partition is ours, not where to read. The answer comes in two steps:
//! the facts are looked up (and looked up again while the answer is an error or silence, because
//! neither means that there is no committed offset), then a position is chosen from them and told
//! to the client. A rewind takes the same way on the same assignment.

use crate::assignment::{Assignment, FindStart, Rewind, Seeking, Stage};
use crate::commit::backoff;
use crate::engine::Engine;
use crate::lane::PartitionIndex;
use crate::{
    Answer, DoneRanges, Effect, FetchFailure, Guarantee, Mono, OffsetTracker, OutOfRange, Outcome,
    Output, PauseReason, Position, Refusal, SeekReason, SeekTo, SkipReason, StartAt, StartFacts,
    StartProblem, StartReason, StopReason, Term, TopicPartition,
};

impl Engine {
    pub(super) fn on_assigned(&mut self, now: Mono, partitions: Vec<TopicPartition>) {
        for name in partitions {
            let index = self.intern(name);
            self.counters.assigned += 1;
            if self.held(index).is_some() {
                // The member missed a loss: what it did since belongs to nobody.
                self.lose(now, index);
                self.close_term(index);
            }
            self.begin_term(index, Stage::FindingStart(FindStart::first()));
            self.assigned += 1;
            self.find_start(index);
        }
        self.update_all_flows(now);
    }

    fn begin_term(&mut self, index: PartitionIndex, stage: Stage) -> Term {
        let term = self.new_term(index);
        let one_record_each = self.one_record_each();
        self.partitions[index as usize].assignment =
            Some(Assignment::new(term, stage, one_record_each));
        term
    }

    /// Asks for the facts, unless the consumer stops and would not use them.
    pub(super) fn find_start(&mut self, index: PartitionIndex) {
        if self.stopping.is_some() {
            return;
        }
        let policy = self.config.start.without_commit;
        let partition = &mut self.partitions[index as usize];
        let Some(assignment) = &mut partition.assignment else {
            return;
        };
        let Stage::FindingStart(find) = &mut assignment.stage else {
            return;
        };
        find.retry_at = None;
        let timestamp = match (&find.rewind, policy) {
            (Some(Rewind { to: SeekTo::Timestamp(at), .. }), _) => Some(*at),
            (None, StartAt::Timestamp(at)) => Some(at),
            _ => None,
        };
        self.outputs.push_back(Output::FindStart {
            term: assignment.term,
            partition: partition.name.clone(),
            timestamp,
        });
    }

    pub(super) fn on_start_found(&mut self, now: Mono, term: Term, outcome: Outcome<StartFacts>) {
        let Some(index) = self.current(term) else {
            return;
        };
        let Some(Stage::FindingStart(find)) = self.held(index).map(|held| &held.stage) else {
            self.counters.stale_inputs += 1;
            return;
        };
        let rewind = find.rewind.clone();
        match outcome {
            Outcome::Done(facts) => match rewind {
                None => self.start(now, index, facts),
                Some(rewind) => {
                    let position = rewind.to.resolve(&facts);
                    self.note_committed(index, &facts);
                    self.seek(index, rewind, position);
                }
            },
            Outcome::Refused(refusal) => self.retry_start(now, index, Some(refusal)),
            Outcome::Unknown => self.retry_start(now, index, None),
        }
        self.settle(now, index);
    }

    fn retry_start(&mut self, now: Mono, index: PartitionIndex, refusal: Option<Refusal>) {
        let grace = self.config.commit_timeout;
        let Some(held) = self.held_mut(index) else {
            return;
        };
        let Stage::FindingStart(find) = &mut held.stage else {
            return;
        };
        find.attempts += 1;
        find.retry_at = Some(now.after(backoff(find.attempts)));
        let fatal = match refusal {
            Some(Refusal::InstanceFenced) => true,
            // A token that was just renewed may be refused for a moment.
            Some(Refusal::Unauthorized) => {
                let since = *find.unauthorized_since.get_or_insert(now);
                now.since(since) >= grace
            }
            _ => {
                find.unauthorized_since = None;
                false
            }
        };
        if let (true, Some(refusal)) = (fatal, refusal) {
            let partition = self.partitions[index as usize].name.clone();
            self.begin_stop(now, StopReason::Refused { partition, refusal }, None);
        }
    }

    fn start(&mut self, now: Mono, index: PartitionIndex, facts: StartFacts) {
        let (position, reason) = match self.choose(index, &facts) {
            Ok(chosen) => chosen,
            Err(problem) => {
                let partition = self.partitions[index as usize].name.clone();
                self.begin_stop(now, StopReason::NoStart { partition, problem }, None);
                return;
            }
        };
        self.note_committed(index, &facts);
        let from_beginning = self.config.start.without_commit == StartAt::Beginning;
        let leader_epoch = match reason {
            StartReason::Committed => facts.committed.and_then(|committed| committed.leader_epoch),
            _ => None,
        };
        let partition = &mut self.partitions[index as usize];
        let name = partition.name.clone();
        let Some(held) = &mut partition.assignment else {
            return;
        };
        held.stage = Stage::Active;
        held.tracker = OffsetTracker::new(position);
        held.covering_position = position;
        held.done_before = DoneRanges::new(position, facts.done_above);
        // A restart finds these starts again by itself. One that a policy chose it would not: what
        // arrives until the first record ends would be passed over.
        held.committed = match reason {
            StartReason::Committed | StartReason::NewPartition => Some(position),
            StartReason::Policy if from_beginning => Some(position),
            StartReason::Policy | StartReason::Reset { .. } => None,
        };
        let term = held.term;
        self.outputs.push_back(Output::StartFetching {
            term,
            partition: name,
            position,
            leader_epoch,
            reason,
        });
        if let StartReason::Reset { from } = reason
            && from < position
        {
            let reason = SkipReason::Retention;
            self.outputs.push_back(Output::Skipped { term, from, to: position, reason });
        }
    }

    fn note_committed(&mut self, index: PartitionIndex, facts: &StartFacts) {
        let partition = &mut self.partitions[index as usize];
        partition.known_committed = facts.committed.as_ref().map(|committed| committed.position);
        partition.topic_id = facts.topic_id.or(partition.topic_id);
    }

    fn choose(
        &self,
        index: PartitionIndex,
        facts: &StartFacts,
    ) -> Result<(Position, StartReason), StartProblem> {
        let partition = &self.partitions[index as usize];
        if let (Some(known), Some(found)) = (partition.topic_id, facts.topic_id)
            && known != found
        {
            return Err(StartProblem::Recreated);
        }
        let policy = &self.config.start;
        let Some(committed) = &facts.committed else {
            if let Some(known) = partition.known_committed {
                return Err(StartProblem::Vanished { known });
            }
            if facts.added_later && policy.without_commit != StartAt::Fail {
                return Ok((facts.log_start, StartReason::NewPartition));
            }
            let position = match policy.without_commit {
                StartAt::Beginning => facts.log_start,
                StartAt::End => facts.log_end,
                StartAt::Timestamp(_) => facts.at_time.unwrap_or(facts.log_end),
                StartAt::Position(position) => position.clamp(facts.log_start, facts.log_end),
                StartAt::Fail => return Err(StartProblem::NoCommittedOffset),
            };
            return Ok((position, StartReason::Policy));
        };
        let committed = committed.position;
        let problem = if committed < facts.log_start {
            StartProblem::BelowLogStart { committed, log_start: facts.log_start }
        } else if committed > facts.high_watermark {
            StartProblem::AboveLogEnd { committed, log_end: facts.high_watermark }
        } else {
            return Ok((committed, StartReason::Committed));
        };
        let position = match policy.out_of_range {
            OutOfRange::Fail => return Err(problem),
            OutOfRange::Beginning => facts.log_start,
            OutOfRange::End => facts.log_end,
        };
        Ok((position, StartReason::Reset { from: committed }))
    }

    /// Begins a new term on the same assignment.
    pub(super) fn rewind(&mut self, now: Mono, index: PartitionIndex, mut rewind: Rewind) {
        let Some(held) = self.held(index) else { return };
        rewind.old = held.term;
        rewind.from = held.has_start().then(|| held.tracker.frontier());
        let paused = held.pauses.has(PauseReason::User);
        self.cut(now, index, Stage::Cut);
        self.close_term(index);
        self.assigned += 1;
        let stage = Stage::FindingStart(FindStart { rewind: Some(rewind), ..FindStart::first() });
        self.begin_term(index, stage);
        if paused && let Some(held) = self.held_mut(index) {
            held.pauses.add(PauseReason::User);
        }
        let to = match self.held(index).map(|held| &held.stage) {
            Some(Stage::FindingStart(FindStart { rewind: Some(rewind), .. })) => rewind.clone(),
            _ => return,
        };
        match to.to {
            SeekTo::Position(position) => self.seek(index, to, position),
            _ => self.find_start(index),
        }
        self.update_flow(now, index);
    }

    fn seek(&mut self, index: PartitionIndex, rewind: Rewind, position: Position) {
        if let Some(held) = self.held_mut(index) {
            held.stage = Stage::Seeking(Seeking {
                rewind,
                position,
                effect: None,
                attempts: 0,
                retry_at: None,
            });
        }
        self.send_seek(index);
    }

    pub(super) fn send_seek(&mut self, index: PartitionIndex) {
        let Some(term) = self.held(index).map(|held| held.term) else {
            return;
        };
        let effect = self.new_effect(vec![(term, index)]);
        let partition = &mut self.partitions[index as usize];
        let Some(Assignment { stage: Stage::Seeking(seeking), .. }) = &mut partition.assignment
        else {
            return;
        };
        seeking.effect = Some(effect);
        seeking.retry_at = None;
        self.outputs.push_back(Output::Effect {
            id: effect,
            effect: Effect::Seek {
                term,
                old: seeking.rewind.old,
                partition: partition.name.clone(),
                position: seeking.position,
                reason: seeking.rewind.reason,
            },
        });
    }

    pub(super) fn on_seek_ended(&mut self, now: Mono, index: PartitionIndex, done: bool) {
        let Some(held) = self.held_mut(index) else {
            return;
        };
        let Stage::Seeking(seeking) = &mut held.stage else {
            return;
        };
        if !done {
            seeking.attempts += 1;
            seeking.effect = None;
            seeking.retry_at = Some(now.after(backoff(seeking.attempts)));
            return;
        }
        let Seeking { rewind, position, .. } = seeking.clone();
        held.stage = Stage::Active;
        held.tracker = OffsetTracker::new(position);
        held.covering_position = position;
        let term = held.term;
        if let Some(from) = rewind.from.filter(|from| *from < position) {
            let reason = match rewind.reason {
                SeekReason::Requested => SkipReason::Seek,
                SeekReason::Reset => SkipReason::Retention,
            };
            self.outputs.push_back(Output::Skipped { term, from, to: position, reason });
        }
        if let Some(control) = rewind.control {
            self.answer_part(control, Answer::Accepted);
        }
        self.settle(now, index);
    }

    pub(super) fn on_fetch_failed(&mut self, now: Mono, term: Term, failure: FetchFailure) {
        let Some(index) = self.current(term) else {
            return;
        };
        let Some(held) = self.held_mut(index) else {
            return;
        };
        if held.stage != Stage::Active {
            self.counters.stale_inputs += 1;
            return;
        }
        let position = held.tracker.position();
        let reset = match (failure, self.config.start.out_of_range) {
            (FetchFailure::OutOfRange, OutOfRange::Beginning) => Some(SeekTo::Beginning),
            (FetchFailure::OutOfRange, OutOfRange::End) => Some(SeekTo::End),
            _ => None,
        };
        if let Some(to) = reset {
            let rewind =
                Rewind { old: term, from: None, to, reason: SeekReason::Reset, control: None };
            self.rewind(now, index, rewind);
            return;
        }
        match failure {
            FetchFailure::OutOfRange | FetchFailure::Unauthorized => {
                let partition = self.partitions[index as usize].name.clone();
                let reason = StopReason::FetchFailed { partition, position, failure };
                self.begin_stop(now, reason, None);
            }
            FetchFailure::Gone => self.lose(now, index),
            // What was read before is whole: it goes on, and nothing behind it is read.
            FetchFailure::Corrupt => {
                if let Some(held) = self.held_mut(index) {
                    held.stage = Stage::Failed;
                }
            }
        }
    }

    /// Whether records that joined a lane may start under this stage.
    pub(super) fn may_start(&self, held: &Assignment) -> bool {
        let at_most_once = self.config.guarantee == Guarantee::AtMostOnce;
        let by_stage = match held.stage {
            // A drain has dropped what it does not need.
            Stage::Active | Stage::Failed | Stage::Draining => true,
            _ => false,
        };
        let held_back = !at_most_once && held.stage != Stage::Draining;
        let paused = held.pauses.has(PauseReason::User) && held_back;
        by_stage && !paused && held.fenced_at.is_none()
    }
}

impl FindStart {
    fn first() -> Self {
        Self { rewind: None, attempts: 0, retry_at: None, unauthorized_since: None }
    }
}

impl SeekTo {
    fn resolve(self, facts: &StartFacts) -> Position {
        match self {
            Self::Position(position) => position,
            Self::Beginning => facts.log_start,
            Self::End => facts.log_end,
            Self::Timestamp(_) => facts.at_time.unwrap_or(facts.log_end),
        }
    }
}
