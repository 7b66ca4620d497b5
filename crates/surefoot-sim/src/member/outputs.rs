//! Doing what the engine decided, one output after the other.
//!
//! A doomed process dies before one of them, whatever it had done by then.

use std::hash::{Hash, Hasher};

use surefoot_check::history::{self, Event as Recorded};
use surefoot_core::{
    Answer, CommitPosition, Control, ControlId, ControlRefusal, Effect, EffectId, Output,
    PauseReason, Position, Released, SeekReason, SeekTo, SkipReason, StartReason, StopReason,
    Stopped, TopicPartition,
};

use super::client::Client;
use super::{Alarm, Asked, Ended, Process, Report, SentCommit, partition_id};
use crate::fabric::{ClientId, Event, Fabric, PartitionId};
use crate::random::Chance;
use crate::reach::Reached;
use crate::schedule::{MILLI, SECOND};

impl Process {
    pub(super) fn do_outputs(&mut self, fabric: &mut Fabric) {
        while let Some(output) = self.engine.poll_output() {
            if let Some(left) = &mut self.doom {
                if *left == 0 {
                    fabric.reach(Reached::KilledBetweenOutputs);
                    fabric.trace(|| format!("{} dies before {output:?}", self.id));
                    self.kill(fabric);
                    return;
                }
                *left -= 1;
            }
            fabric.trace(|| format!("{} > {output:?}", self.id));
            if self.ended.is_some() {
                fabric.complain(format!("{}: {output:?} after the end", self.id));
                return;
            }
            self.perform(fabric, output);
        }
        self.plan_engine_alarm(fabric);
    }

    fn perform(&mut self, fabric: &mut Fabric, output: Output) {
        match output {
            Output::FindStart { term, partition, timestamp } => {
                let partition = partition_id(fabric, &partition);
                self.client.find_start(fabric, term, partition, timestamp);
            }
            Output::StartFetching { term, partition, position, reason, .. } => {
                let partition = partition_id(fabric, &partition);
                self.note_start(fabric, reason);
                let facts = self.facts.get(&term);
                self.narrator.start_known(fabric, partition, term, position, reason, facts);
                self.client.start_reading(fabric, partition, term, position.get());
            }
            Output::Deliver(deliver) => match self.payloads.take(deliver.token) {
                Some(payload) => self.start_handler(fabric, &deliver, &payload),
                None => fabric.complain(format!("{}: {deliver:?} has no payload", self.id)),
            },
            Output::Discard(token) => {
                if self.payloads.take(token).is_none() {
                    fabric.complain(format!("{}: {token:?} discarded without payload", self.id));
                }
            }
            Output::Pause { term, reason } => {
                match reason {
                    PauseReason::Backpressure => fabric.reach(Reached::PausedAtBudget),
                    PauseReason::Uncommitted => fabric.reach(Reached::PausedUncommitted),
                    PauseReason::User | PauseReason::Drain => {}
                }
                self.narrator.paused(fabric, term, reason);
                if let Some(partition) = self.narrator.partition_of(term) {
                    self.client.pause_reading(partition, term);
                }
            }
            Output::Resume { term, reason, flowing } => {
                self.narrator.resumed(fabric, term, reason);
                if let (Some(partition), true) = (self.narrator.partition_of(term), flowing) {
                    self.client.resume_reading(fabric, partition, term);
                }
            }
            Output::Skipped { term, from, to, reason } => {
                if reason == SkipReason::CommitAt {
                    fabric.reach(Reached::CommitAtWithSkips);
                }
                self.narrator.skipped(fabric, term, from, to, reason);
            }
            Output::Effect { id, effect } => self.make(fabric, id, effect),
            Output::Cancel { term } => self.cancel_handlers(fabric, term),
            Output::Release(released) => self.release(fabric, &released),
            Output::Renew => self.renew_client(fabric),
            Output::Answer { id, answer } => self.take_answer(fabric, id, &answer),
            Output::Stopped(stopped) => self.exit(fabric, &stopped),
        }
    }

    fn note_start(&self, fabric: &mut Fabric, reason: StartReason) {
        match reason {
            StartReason::NewPartition => fabric.reach(Reached::StartOfNewPartition),
            StartReason::Reset { .. } => fabric.reach(Reached::ResetAtStart),
            StartReason::Committed | StartReason::Policy => {}
        }
    }

    fn make(&mut self, fabric: &mut Fabric, id: EffectId, effect: Effect) {
        match effect {
            Effect::Commit(positions) => self.send_commit(fabric, id, &positions),
            Effect::Seek { term, position, reason, .. } => {
                self.narrator.seeking(term, position.get(), reason == SeekReason::Reset);
                let delay = fabric.random.spread(10, 20 * MILLI) * fabric.throttle;
                let alarm = Alarm::Sought { effect: id.0, term: term.get() };
                fabric.after(delay, Event::Alarm(self.id, alarm));
            }
        }
    }

    fn send_commit(&mut self, fabric: &mut Fabric, id: EffectId, positions: &[CommitPosition]) {
        let sent: Vec<SentCommit> = positions
            .iter()
            .map(|part| SentCommit {
                partition: partition_id(fabric, &part.partition),
                term: part.term,
                position: part.position.get(),
            })
            .collect();
        for commit in &sent {
            if self.unknown.remove(&commit.partition) == Some(commit.position) {
                fabric.reach(Reached::CommitUnknownResent);
            }
        }
        let commit = history::CommitSent {
            commit: id.0,
            positions: positions
                .iter()
                .map(|part| history::CommitPosition {
                    topic: part.partition.topic.clone(),
                    partition: part.partition.partition,
                    term: part.term.get(),
                    position: part.position.get(),
                })
                .collect(),
        };
        fabric.record(self.id, Recorded::CommitSent(commit));
        let wire = sent.iter().map(|commit| (commit.partition, commit.position)).collect();
        self.commits.insert(id, sent);
        self.client.commit(fabric, id, wire);
    }

    fn release(&mut self, fabric: &mut Fabric, released: &[Released]) {
        for part in released {
            if part.unfinished > 0 {
                fabric.reach(Reached::DrainRanOut);
            }
            let partition = partition_id(fabric, &part.partition);
            self.narrator.released(fabric, partition, part.term);
        }
        let partitions: Vec<_> =
            released.iter().map(|part| partition_id(fabric, &part.partition)).collect();
        if !self.client.on_answered(fabric, &mut self.mail, &partitions) {
            fabric.complain(format!("{}: a release that nobody waits for", self.id));
        }
    }

    fn renew_client(&mut self, fabric: &mut Fabric) {
        fabric.reach(Reached::Renewed);
        self.narrator.lost_all(fabric);
        let says_so = fabric.random.coin();
        if says_so {
            self.client.close(fabric);
        }
        let id = ClientId { client: self.client.id.client + 1, ..self.client.id };
        self.client = Client::new(fabric, id);
        self.client.start(fabric);
        self.mail.client.clear();
        self.mail.reads.clear();
        self.commits.clear();
    }

    fn take_answer(&mut self, fabric: &mut Fabric, id: ControlId, answer: &Answer) {
        let Some(asked) = self.controls.remove(&id) else {
            fabric.complain(format!("{}: {id:?} answered twice", self.id));
            return;
        };
        let runs = matches!(answer, Answer::Refused(ControlRefusal::Running(..)));
        if runs && matches!(asked, Asked::CommitAt) {
            fabric.reach(Reached::CommitAtRefused);
        }
    }

    fn exit(&mut self, fabric: &mut Fabric, stopped: &Stopped) {
        let unfinished: u64 = stopped.unfinished.iter().map(|part| part.running).sum();
        if !self.controls.is_empty() {
            fabric.complain(format!("{}: stopped and owes answers", self.id));
        }
        let asked_once = stopped.reason == StopReason::Requested && self.signals == 1;
        let clean = asked_once && stopped.unfinished.is_empty();
        if !stopped.unfinished.is_empty() {
            fabric.reach(Reached::StopUnfinished);
        }
        let aborted = stopped.reason == StopReason::Aborted;
        if !aborted || fabric.random.coin() {
            self.client.close(fabric);
            fabric.record(self.id, Recorded::Left(history::Left {}));
        }
        let exited = history::Exited {
            code: i32::from(!clean),
            why: format!("{:?}", stopped.reason).into(),
            unfinished,
        };
        fabric.record(self.id, Recorded::Exited(exited));
        self.ended = Some(Ended::Exited);
        fabric.note_dead(self.id);
    }

    pub(super) fn gauge(&self, fabric: &mut Fabric) {
        if self.fetches_taken.is_multiple_of(4) {
            let gauge = history::Gauge {
                running: self.handlers.running() as u64,
                buffered_records: self.payloads.records,
                buffered_bytes: self.payloads.bytes,
            };
            fabric.record(self.id, Recorded::Gauge(gauge));
        }
    }

    /// What the engine holds of a partition, without what a late result may change: lanes and
    /// places that it gives back.
    pub(super) fn projection(&self, fabric: &Fabric, partition: PartitionId) -> u64 {
        let name = &fabric.plan.partitions[partition.index()];
        let snapshot = self.engine.snapshot(self.now(fabric));
        let held = snapshot.partitions.iter().find(|held| held.partition == *name);
        let mut hasher = std::hash::DefaultHasher::new();
        if let Some(held) = held {
            held.term.get().hash(&mut hasher);
            held.committed.map(Position::get).hash(&mut hasher);
            held.frontier.map(Position::get).hash(&mut hasher);
            held.position.map(Position::get).hash(&mut hasher);
            (held.finished_above_frontier, held.commit_failures).hash(&mut hasher);
            format!("{:?}{:?}", held.phase, held.paused).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The application interferes.
    pub(crate) fn interfere(&mut self, fabric: &mut Fabric, nemesis: crate::plan::Nemesis) {
        use crate::plan::Nemesis;
        let snapshot = self.engine.snapshot(self.now(fabric));
        if snapshot.partitions.is_empty() {
            return;
        }
        let held = &snapshot.partitions[fabric.random.index(snapshot.partitions.len())];
        let name = held.partition.clone();
        match nemesis {
            Nemesis::Pause => {
                fabric.reach(Reached::UserPause);
                self.user_paused.push(partition_id(fabric, &name));
                self.ask(fabric, Control::Pause(vec![name]));
                let delay = fabric.random.spread(100 * MILLI, 10 * SECOND);
                fabric.after(delay, Event::Alarm(self.id, Alarm::Unpause));
            }
            Nemesis::Seek => {
                let (Some(frontier), Some(position)) = (held.frontier, held.position) else {
                    return;
                };
                fabric.reach(Reached::UserSeek);
                let to = choose_seek(fabric, frontier, position);
                self.ask(fabric, Control::Seek(name, to));
            }
            Nemesis::Commit => {
                fabric.reach(Reached::UserCommit);
                self.commit_now(fabric);
            }
            Nemesis::CommitAt => {
                let (Some(frontier), Some(position)) = (held.frontier, held.position) else {
                    return;
                };
                fabric.reach(Reached::UserCommitAt);
                let span = (position.get() - frontier.get()).clamp(0, 1_000) as u64;
                let at = frontier.get() + fabric.random.between(0, span) as i64;
                self.ask(fabric, Control::CommitAt(vec![(name, Position::new(at))]));
            }
            _ => unreachable!("the application does no such thing"),
        }
    }

    pub(crate) fn commit_now(&mut self, fabric: &mut Fabric) {
        self.ask(fabric, Control::Commit(Vec::new()));
    }

    /// The application resumes whatever it paused.
    pub(crate) fn unpause(&mut self, fabric: &mut Fabric) {
        for partition in std::mem::take(&mut self.user_paused) {
            let name: TopicPartition = fabric.plan.partitions[partition.index()].clone();
            self.ask(fabric, Control::Resume(vec![name]));
        }
    }

    fn ask(&mut self, fabric: &mut Fabric, request: Control) {
        if self.ended.is_some() {
            return;
        }
        self.last_control += 1;
        let id = ControlId(self.last_control);
        self.mail.reports.push_back(Report::Control(id, request));
        self.plan_step(fabric);
    }

    /// Whether nothing is left to do for these partitions, each at its end.
    pub(crate) fn is_idle(&self, fabric: &Fabric) -> bool {
        let snapshot = self.engine.snapshot(self.now(fabric));
        self.mail.is_empty() && snapshot.in_flight == 0 && snapshot.buffered_records == 0
    }

    /// The frontier and the committed position of what it holds.
    pub(crate) fn held(&self, fabric: &Fabric) -> Vec<(PartitionId, Option<i64>)> {
        let snapshot = self.engine.snapshot(self.now(fabric));
        let held = snapshot.partitions.iter();
        held.map(|held| (partition_id(fabric, &held.partition), held.frontier.map(Position::get)))
            .collect()
    }
}

fn choose_seek(fabric: &mut Fabric, frontier: Position, position: Position) -> SeekTo {
    match fabric.random.below(6) {
        0 => SeekTo::Beginning,
        1 => SeekTo::End,
        2 => SeekTo::Timestamp(fabric.wall_ms() - fabric.random.below(60_000) as i64),
        3 => SeekTo::Position(position),
        _ => {
            let back = fabric.random.below(20) as i64;
            let low = if fabric.random.chance(Chance::percent(50)) { frontier } else { position };
            SeekTo::Position(Position::new((low.get() - back).max(0)))
        }
    }
}
