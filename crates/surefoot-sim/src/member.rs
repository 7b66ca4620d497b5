//! One incarnation of a member: the real engine, a client, handlers, and the loop between them.
//!
//! The loop takes one thing at a time, gives it to the engine, and does the engine's outputs one
//! after the other; a kill may come between any two of them. A stopped process does nothing: what
//! reaches it waits, and its requests stay under way.

mod client;
mod handlers;
mod mailbox;
mod narrator;
mod outputs;
mod payloads;

use std::collections::BTreeMap;
use std::time::Duration;

use surefoot_check::history::{self, Event as Recorded};
use surefoot_core::{
    Control, ControlId, EffectId, Engine, HandlerOutcome, Input, Mono, Now, Offset, Outcome,
    StartFacts, Term,
};

use crate::fabric::{CallId, ClientId, Event, Fabric, PartitionId, ProcessId};
use crate::kafka::message::Reply;
use crate::reach::Reached;
use crate::schedule::{MILLI, Micros};
use client::Client;
use handlers::Handlers;
use mailbox::{Content, FromClient, Item, Mailbox, Read, Repeated, Report};
use narrator::Narrator;
use payloads::Payloads;

/// What a process wakes up for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alarm {
    /// Its loop takes the next thing.
    Step,
    /// The engine asked to be called.
    Engine,
    Heartbeat(u32),
    FindCoordinator(u32),
    SendHeld(u32),
    CallTimeout(u32, CallId),
    /// A part of a handler's work ends.
    HandlerEnds {
        handler: u64,
        part: usize,
    },
    /// The client did a seek.
    Sought {
        effect: u64,
        term: u64,
    },
    /// The application undoes its pause.
    Unpause,
    /// The second signal.
    SecondSignal,
    Kill,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Killed,
    Exited,
}

/// What a stopped process finds when it goes on.
#[derive(Debug)]
enum Delayed {
    Alarm(Alarm),
    Reply(ClientId, Reply),
}

/// One incarnation of a member.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    engine: Engine,
    began: Micros,
    wall_offset_ms: i64,
    client: Client,
    mail: Mailbox,
    step_planned: bool,
    engine_alarm: Option<Micros>,
    spins: u32,
    payloads: Payloads,
    handlers: Handlers,
    narrator: Narrator,
    /// Positions of commits that were not answered.
    commits: BTreeMap<EffectId, Vec<SentCommit>>,
    facts: BTreeMap<Term, StartFacts>,
    /// Commits whose outcome stayed unknown, by partition.
    unknown: BTreeMap<PartitionId, i64>,
    user_paused: Vec<PartitionId>,
    controls: BTreeMap<ControlId, Asked>,
    last_control: u64,
    signals: u32,
    /// Outputs until the kill.
    doom: Option<u32>,
    stopped: bool,
    delayed: Vec<Delayed>,
    ended: Option<Ended>,
    fetches_taken: u64,
}

#[derive(Clone, Copy, Debug)]
struct SentCommit {
    partition: PartitionId,
    term: Term,
    position: i64,
}

/// What the application asked for, as far as the history must know it.
#[derive(Clone, Copy, Debug)]
enum Asked {
    CommitAt,
    Other,
}

impl Process {
    pub(crate) fn launch(fabric: &mut Fabric, id: ProcessId) -> Self {
        narrator::begin(fabric, id);
        let engine = Engine::new(fabric.plan.engine.clone()).expect("plans hold no contradiction");
        let client_id = ClientId { process: id, client: 1 };
        let mut process = Self {
            id,
            engine,
            began: fabric.now,
            wall_offset_ms: 0,
            client: Client::new(fabric, client_id),
            mail: Mailbox::default(),
            step_planned: false,
            engine_alarm: None,
            spins: 0,
            payloads: Payloads::default(),
            handlers: Handlers::default(),
            narrator: Narrator::new(id, fabric.plan.partitions.len()),
            commits: BTreeMap::new(),
            facts: BTreeMap::new(),
            unknown: BTreeMap::new(),
            user_paused: Vec::new(),
            controls: BTreeMap::new(),
            last_control: 0,
            signals: 0,
            doom: None,
            stopped: false,
            delayed: Vec::new(),
            ended: None,
            fetches_taken: 0,
        };
        process.client.start(fabric);
        process
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.ended
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether a stop was asked for.
    pub(crate) fn is_leaving(&self) -> bool {
        self.signals > 0
    }

    pub(crate) fn is_member(&self) -> bool {
        self.client.is_member()
    }

    pub(crate) fn has_commits_under_way(&self) -> bool {
        !self.commits.is_empty()
    }

    pub(crate) fn on_reply(&mut self, fabric: &mut Fabric, to: ClientId, reply: Reply) {
        if self.stopped {
            self.delayed.push(Delayed::Reply(to, reply));
        } else if to == self.client.id {
            self.client.on_reply(fabric, &mut self.mail, reply);
            self.plan_step(fabric);
        }
    }

    pub(crate) fn on_alarm(&mut self, fabric: &mut Fabric, alarm: Alarm) {
        if self.stopped && !matches!(alarm, Alarm::Kill) {
            self.delayed.push(Delayed::Alarm(alarm));
            return;
        }
        let current = self.client.id.client;
        match alarm {
            Alarm::Step => self.step(fabric),
            Alarm::Engine => self.on_engine_alarm(fabric),
            Alarm::Heartbeat(client) if client == current => {
                self.client.on_heartbeat_due(fabric, &mut self.mail);
            }
            Alarm::FindCoordinator(client) if client == current => {
                self.client.look_for_coordinator(fabric);
            }
            Alarm::SendHeld(client) if client == current => {
                self.client.send_held_commits(fabric, &mut self.mail);
            }
            Alarm::CallTimeout(client, call) if client == current => {
                self.client.on_call_timeout(fabric, &mut self.mail, call);
            }
            Alarm::HandlerEnds { handler, part } => self.on_handler_end(fabric, handler, part),
            Alarm::Sought { effect, term } => {
                let (effect, term) = (EffectId(effect), Term::new(term));
                let outcome = match fabric.fault(fabric.plan.faults.refuse) {
                    true => Outcome::Refused(surefoot_core::Refusal::Unavailable),
                    false => Outcome::Done(()),
                };
                self.mail.client.push_back(FromClient::Sought { effect, term, outcome });
            }
            Alarm::Unpause => self.unpause(fabric),
            Alarm::SecondSignal => self.signal(fabric),
            Alarm::Kill => self.kill(fabric),
            Alarm::Heartbeat(_)
            | Alarm::FindCoordinator(_)
            | Alarm::SendHeld(_)
            | Alarm::CallTimeout(..) => {}
        }
        self.plan_step(fabric);
    }

    /// SIGSTOP.
    pub(crate) fn stop_running(&mut self, fabric: &mut Fabric) {
        self.stopped = true;
        fabric.reach(Reached::Stopped);
        fabric.record_outside(Recorded::Stopped(narrator::name(fabric, self.id)));
    }

    /// SIGCONT: what waited comes in some order, soon.
    pub(crate) fn go_on(&mut self, fabric: &mut Fabric) {
        if !std::mem::replace(&mut self.stopped, false) {
            return;
        }
        fabric.record_outside(Recorded::Continued(narrator::name(fabric, self.id)));
        for delayed in std::mem::take(&mut self.delayed) {
            let at = fabric.now + fabric.random.below(3 * MILLI);
            match delayed {
                Delayed::Alarm(alarm) => fabric.schedule(at, Event::Alarm(self.id, alarm)),
                Delayed::Reply(to, reply) => {
                    fabric.schedule(at, Event::Answer(to, Box::new(reply)));
                }
            }
        }
    }

    /// kill -9 after so many more outputs, or after a while.
    pub(crate) fn doom(&mut self, fabric: &mut Fabric) {
        self.doom = Some(fabric.random.below(4) as u32);
        let delay = fabric.random.spread(100 * MILLI, 5_000 * MILLI);
        fabric.after(delay, Event::Alarm(self.id, Alarm::Kill));
    }

    pub(crate) fn jump_clock(&mut self, by_ms: i64) {
        self.wall_offset_ms += by_ms;
    }

    /// A signal to stop: the first drains, the second ends at once.
    pub(crate) fn signal(&mut self, fabric: &mut Fabric) {
        if self.ended.is_some() {
            return;
        }
        self.signals += 1;
        fabric.record(self.id, Recorded::Signal(history::Signal { number: 15, nth: self.signals }));
        if self.signals == 1 {
            self.mail.reports.push_back(Report::Stop);
            if fabric.fault(fabric.plan.faults.abort) {
                let delay = fabric.random.spread(MILLI, 5_000 * MILLI);
                fabric.after(delay, Event::Alarm(self.id, Alarm::SecondSignal));
            }
        } else {
            fabric.reach(Reached::SecondSignal);
            self.mail.reports.push_back(Report::Abort);
        }
        self.plan_step(fabric);
    }

    pub(crate) fn kill(&mut self, fabric: &mut Fabric) {
        if self.ended.is_some() {
            return;
        }
        if !self.commits.is_empty() {
            fabric.reach(Reached::KilledWithCommitInFlight);
        }
        fabric.reach(Reached::Killed);
        self.ended = Some(Ended::Killed);
        fabric.note_dead(self.id);
        fabric.record_outside(Recorded::Killed(narrator::name(fabric, self.id)));
    }

    /// The leader saw that the topic has more partitions, or is made to look.
    pub(crate) fn refresh_metadata(&mut self, fabric: &mut Fabric) {
        self.client.follow_rebalance(fabric, &mut self.mail);
        self.plan_step(fabric);
    }

    fn plan_step(&mut self, fabric: &mut Fabric) {
        if self.ended.is_some() || self.step_planned || self.mail.is_empty() {
            return;
        }
        self.step_planned = true;
        let delay = fabric.random.between(10, 300) * fabric.throttle;
        fabric.after(delay, Event::Alarm(self.id, Alarm::Step));
    }

    fn step(&mut self, fabric: &mut Fabric) {
        self.step_planned = false;
        let from = if fabric.plan.shuffles_sources { fabric.random.below(3) } else { 0 };
        match self.mail.take(from) {
            Some(Item::Client(event)) => self.take_event(fabric, event),
            Some(Item::Read(read)) => self.take_read(fabric, read),
            Some(Item::Report(report)) => self.take_report(fabric, report),
            None => {}
        }
    }

    fn take_event(&mut self, fabric: &mut Fabric, event: FromClient) {
        match event {
            FromClient::Assigned(partitions) => self.take_assigned(fabric, &partitions),
            FromClient::Revoked(partitions) => {
                self.narrator.revoking(fabric, &partitions);
                if self.handlers.running() >= 2 {
                    fabric.reach(Reached::RevokeWithFlights);
                }
                let names = names(fabric, &partitions);
                self.feed(fabric, Input::Revoked(names));
            }
            FromClient::Lost(partitions) => {
                self.narrator.lost(fabric, &partitions);
                if !self.commits.is_empty() {
                    fabric.reach(Reached::LostWithCommitInFlight);
                }
                let names = names(fabric, &partitions);
                self.feed(fabric, Input::Lost(names));
            }
            FromClient::StartFound { term, outcome } => {
                if let Outcome::Done(facts) = &outcome {
                    self.facts.entry(term).or_insert_with(|| facts.clone());
                }
                self.feed(fabric, Input::StartFound { term, outcome });
            }
            FromClient::Committed { effect, outcomes, repeated } => {
                self.take_committed(fabric, effect, outcomes, repeated);
            }
            FromClient::Sought { effect, term, outcome } => {
                self.take_sought(fabric, effect, term, outcome);
            }
            FromClient::FetchFailed { term, failure } => {
                let before = self.narrator.partition_of(term);
                self.feed(fabric, Input::FetchFailed { term, failure });
                if let Some(partition) = before {
                    self.note_rewind(fabric, partition, None);
                }
            }
        }
    }

    fn take_assigned(&mut self, fabric: &mut Fabric, partitions: &[PartitionId]) {
        for &partition in partitions {
            if self.handlers.runs_on(partition) {
                fabric.reach(Reached::OldFlightInNewTerm);
            }
        }
        let names = names(fabric, partitions);
        self.give(fabric, Input::Assigned(names.clone()));
        for (&partition, name) in partitions.iter().zip(&names) {
            if let Some(term) = self.engine.term_of(name) {
                self.narrator.assigned(fabric, partition, term);
            }
        }
        self.do_outputs(fabric);
    }

    fn take_read(&mut self, fabric: &mut Fabric, read: Read) {
        self.client.on_taken(fabric, &read);
        let Read { partition, term, content, .. } = read;
        match content {
            Content::End => {
                let position = surefoot_core::Position::new(read.next);
                self.feed(fabric, Input::EndReached { term, position });
            }
            Content::Records(records) => {
                if self.narrator.current(partition) != Some(term) {
                    fabric.reach(Reached::RecordsAfterTerm);
                }
                let unit = fabric.plan.engine.delivery_unit;
                let batch = self.payloads.put(unit, partition, &records);
                let before = self.engine.snapshot(self.now(fabric)).counters;
                self.give(fabric, Input::Fetched { term, batch });
                let after = self.engine.snapshot(self.now(fabric)).counters;
                let accepted = (after.delivered - before.delivered) as usize;
                let current = self.narrator.current(partition) == Some(term);
                if after.stale_records > before.stale_records && current {
                    fabric.reach(Reached::RepeatedRecords);
                }
                let accepted = &records[records.len() - accepted..];
                self.narrator.delivered(fabric, partition, term, accepted);
                self.fetches_taken += 1;
                self.gauge(fabric);
                self.do_outputs(fabric);
            }
        }
    }

    fn take_report(&mut self, fabric: &mut Fabric, report: Report) {
        match report {
            Report::Finished { term, first, last, outcome } => {
                self.take_finished(fabric, term, first, last, outcome);
                // Ends that wait may be reported together, before anything is done about them.
                let together = fabric.random.below(4);
                for _ in 0..together {
                    let Some(Report::Finished { .. }) = self.mail.reports.front() else { break };
                    if let Some(Report::Finished { term, first, last, outcome }) =
                        self.mail.reports.pop_front()
                        && self.ended.is_none()
                    {
                        fabric.reach(Reached::EndsTogether);
                        self.take_finished(fabric, term, first, last, outcome);
                    }
                }
                self.do_outputs(fabric);
            }
            Report::Control(id, request) => self.take_control(fabric, id, request),
            Report::Stop => self.feed(fabric, Input::Stop { deadline: None }),
            Report::Abort => self.feed(fabric, Input::Abort),
        }
    }

    fn take_finished(
        &mut self,
        fabric: &mut Fabric,
        term: Term,
        first: Offset,
        last: Offset,
        outcome: HandlerOutcome,
    ) {
        let attempt = surefoot_core::FIRST_ATTEMPT;
        let partition = self.narrator.partition_of(term);
        let stale = partition.filter(|&partition| self.narrator.current(partition) != Some(term));
        let input = Input::Finished { term, first, last, attempt, outcome };
        let Some(partition) = stale else {
            self.give(fabric, input);
            return;
        };
        fabric.reach(Reached::StaleResult);
        // What only time, or what ended before, would change has changed before.
        self.engine.handle_timeout(self.now(fabric));
        self.do_outputs(fabric);
        if self.ended.is_some() {
            return;
        }
        let before = self.projection(fabric, partition);
        self.feed(fabric, input);
        if self.ended.is_none() {
            let after = self.projection(fabric, partition);
            self.narrator.stale(fabric, partition, term, first, [before, after]);
        }
    }

    fn take_control(&mut self, fabric: &mut Fabric, id: ControlId, request: Control) {
        let asked = match request {
            Control::CommitAt(_) => Asked::CommitAt,
            _ => Asked::Other,
        };
        self.controls.insert(id, asked);
        let seeks = match &request {
            Control::Seek(name, to) => Some((partition_id(fabric, name), *to)),
            _ => None,
        };
        if seeks.is_some() && self.handlers.running() > 0 {
            fabric.reach(Reached::SeekWithFlights);
        }
        self.give(fabric, Input::Control { id, request });
        if let Some((partition, to)) = seeks {
            self.note_rewind(fabric, partition, Some(to));
        }
        self.do_outputs(fabric);
    }

    fn take_committed(
        &mut self,
        fabric: &mut Fabric,
        effect: EffectId,
        outcomes: Vec<(PartitionId, Outcome<()>)>,
        repeated: Repeated,
    ) {
        if repeated == Repeated::Yes {
            // The engine heard of this effect before; what it is told now must not matter.
            let terms = self.narrator.forgotten_terms(effect);
            let outcomes = outcomes
                .into_iter()
                .filter_map(|(partition, outcome)| Some((*terms.get(&partition)?, outcome)))
                .collect();
            self.feed(fabric, Input::EffectEnded { effect, outcomes });
            return;
        }
        let Some(sent) = self.commits.remove(&effect) else { return };
        let mut results = Vec::with_capacity(outcomes.len());
        let mut terms = Vec::with_capacity(outcomes.len());
        for (partition, outcome) in outcomes {
            let Some(commit) = sent.iter().find(|commit| commit.partition == partition) else {
                continue;
            };
            if outcome == Outcome::Unknown {
                self.unknown.insert(partition, commit.position);
            }
            results.push((partition, commit.position, outcome.clone()));
            terms.push((commit.term, outcome));
        }
        self.narrator.commit_ended(fabric, effect, &results);
        self.narrator
            .remember(effect, sent.iter().map(|commit| (commit.partition, commit.term)).collect());
        self.feed(fabric, Input::EffectEnded { effect, outcomes: terms });
    }

    fn take_sought(
        &mut self,
        fabric: &mut Fabric,
        effect: EffectId,
        term: Term,
        outcome: Outcome<()>,
    ) {
        let partition = self.narrator.partition_of(term);
        let sought = self.narrator.sought(term).filter(|_| outcome == Outcome::Done(()));
        if let (Some(partition), Some(position)) = (partition, sought)
            && self.narrator.current(partition) == Some(term)
        {
            // From here on what is read belongs to the new term.
            self.client.start_reading(fabric, partition, term, position);
            self.narrator.seek_done(fabric, partition, term, position);
        }
        self.feed(fabric, Input::EffectEnded { effect, outcomes: vec![(term, outcome)] });
    }

    /// Tells the history when a partition went on under a new term.
    fn note_rewind(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        to: Option<surefoot_core::SeekTo>,
    ) {
        let name = fabric.plan.partitions[partition.index()].clone();
        if let Some(term) = self.engine.term_of(&name) {
            self.narrator.rewound(fabric, partition, term, to);
        }
    }

    /// Gives the engine an input and does what it decides.
    fn feed(&mut self, fabric: &mut Fabric, input: Input) {
        self.give(fabric, input);
        self.do_outputs(fabric);
    }

    fn give(&mut self, fabric: &mut Fabric, input: Input) {
        fabric.trace(|| format!("{} < {input:?}", self.id));
        let now = self.now(fabric);
        self.engine.handle_input(now, input);
    }

    fn on_engine_alarm(&mut self, fabric: &mut Fabric) {
        self.engine_alarm = None;
        let now = self.now(fabric);
        if self.engine.poll_timeout().is_some_and(|at| at <= now.mono) {
            fabric.trace(|| format!("{} < timeout", self.id));
            self.engine.handle_timeout(now);
            self.do_outputs(fabric);
        } else {
            self.plan_engine_alarm(fabric);
        }
    }

    fn plan_engine_alarm(&mut self, fabric: &mut Fabric) {
        if self.ended.is_some() {
            return;
        }
        let Some(Mono(at)) = self.engine.poll_timeout() else { return };
        let at = self.began + at.as_nanos().div_ceil(1_000) as Micros;
        if at <= fabric.now {
            self.spins += 1;
            if self.spins == 1_000 {
                fabric.complain(format!("{}: a deadline stays in the past", self.id));
            }
        } else {
            self.spins = 0;
        }
        let at = at.max(fabric.now + 1);
        if self.engine_alarm.is_none_or(|planned| at < planned) {
            self.engine_alarm = Some(at);
            fabric.schedule(at, Event::Alarm(self.id, Alarm::Engine));
        }
    }

    fn now(&self, fabric: &Fabric) -> Now {
        Now {
            mono: Mono(Duration::from_micros(fabric.now - self.began)),
            wall_ms: fabric.wall_ms() + self.wall_offset_ms,
        }
    }
}

fn names(fabric: &Fabric, partitions: &[PartitionId]) -> Vec<surefoot_core::TopicPartition> {
    partitions.iter().map(|id| fabric.plan.partitions[id.index()].clone()).collect()
}

fn partition_id(fabric: &Fabric, name: &surefoot_core::TopicPartition) -> PartitionId {
    let index = fabric.plan.partitions.iter().position(|of| of == name);
    PartitionId(index.expect("the engine names only partitions that it was given") as u16)
}
