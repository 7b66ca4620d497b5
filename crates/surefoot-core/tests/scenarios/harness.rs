//! An engine, a virtual clock and the outputs that were not looked at yet.

use std::time::Duration;

use surefoot_core::*;

pub(super) struct Harness {
    pub(super) engine: Engine,
    now: Mono,
    outputs: Vec<Output>,
    controls: u64,
}

pub(super) fn config(guarantee: Guarantee) -> EngineConfig {
    EngineConfig::new(guarantee)
}

/// At-least-once that commits each record, so that commits are seen at once.
pub(super) fn eager() -> EngineConfig {
    EngineConfig { commit: every_records(1), ..config(Guarantee::AtLeastOnce) }
}

pub(super) fn every_records(records: u32) -> CommitPolicy {
    CommitPolicy::Auto { every_records: records.try_into().ok(), every: None }
}

pub(super) fn p(partition: i32) -> TopicPartition {
    TopicPartition::new("orders", partition)
}

pub(super) fn facts(committed: Option<i64>, end: i64) -> StartFacts {
    StartFacts {
        committed: committed.map(|at| Committed {
            position: Position::new(at),
            leader_epoch: None,
            metadata: None,
        }),
        added_later: false,
        log_start: Position::new(0),
        log_end: Position::new(end),
        high_watermark: Position::new(end),
        at_time: None,
        topic_id: None,
        done_above: Vec::new(),
    }
}

impl Harness {
    pub(super) fn new(config: EngineConfig) -> Self {
        let engine = Engine::new(config).expect("a legal configuration");
        Self { engine, now: Mono::default(), outputs: Vec::new(), controls: 0 }
    }

    /// With partition 0 assigned and started at its beginning.
    pub(super) fn started(config: EngineConfig) -> (Self, Term) {
        let mut harness = Self::new(config);
        let term = harness.assign(0, facts(None, 1_000));
        harness.take();
        (harness, term)
    }

    fn now(&self) -> Now {
        Now { mono: self.now, wall_ms: 0 }
    }

    pub(super) fn input(&mut self, input: Input) {
        self.engine.handle_input(self.now(), input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.outputs.push(output);
        }
    }

    /// Lets time pass, with every timeout on the way.
    pub(super) fn advance(&mut self, by: Duration) {
        let until = self.now.after(by);
        let mut turns = 0;
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= until) {
            turns += 1;
            assert!(turns < 10_000, "a deadline that is over comes again and again");
            self.now = self.now.max(at);
            self.engine.handle_timeout(self.now());
            self.drain();
        }
        self.now = until;
    }

    pub(super) fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    pub(super) fn assign(&mut self, partition: i32, facts: StartFacts) -> Term {
        self.input(Input::Assigned(vec![p(partition)]));
        let term = self.engine.term_of(&p(partition)).expect("an assigned partition");
        self.input(Input::StartFound { term, outcome: Outcome::Done(facts) });
        term
    }

    /// Records with these offsets and keys.
    pub(super) fn fetch(&mut self, term: Term, records: &[(i64, u64)]) {
        let records: Vec<_> = records
            .iter()
            .map(|&(offset, key)| RecordMeta {
                offset: Offset::new(offset),
                key: Some(KeyHash(key)),
                bytes: 100,
                token: Token(offset as u32),
            })
            .collect();
        let token = records[0].token;
        self.input(Input::Fetched { term, batch: Fetched { records, leader_epoch: None, token } });
    }

    pub(super) fn end(&mut self, term: Term, offset: i64, outcome: HandlerOutcome) {
        self.end_range(term, offset, offset, outcome);
    }

    pub(super) fn end_range(&mut self, term: Term, first: i64, last: i64, outcome: HandlerOutcome) {
        self.input(Input::Finished {
            term,
            first: Offset::new(first),
            last: Offset::new(last),
            attempt: FIRST_ATTEMPT,
            outcome,
        });
    }

    pub(super) fn done(&mut self, term: Term, offset: i64) {
        self.end(term, offset, HandlerOutcome::Done);
    }

    pub(super) fn control(&mut self, request: Control) -> ControlId {
        self.controls += 1;
        let id = ControlId(self.controls);
        self.input(Input::Control { id, request });
        id
    }

    pub(super) fn commit_ended(&mut self, (effect, term): (EffectId, Term), outcome: Outcome<()>) {
        self.input(Input::EffectEnded { effect, outcomes: vec![(term, outcome)] });
    }

    /// The offsets that were delivered since the last look.
    pub(super) fn delivered(&mut self) -> Vec<i64> {
        let outputs = self.take();
        let (delivers, others): (Vec<_>, Vec<_>) =
            outputs.into_iter().partition(|output| matches!(output, Output::Deliver(_)));
        self.outputs = others;
        let offset = |output: Output| match output {
            Output::Deliver(deliver) => deliver.first.get(),
            _ => unreachable!(),
        };
        delivers.into_iter().map(offset).collect()
    }

    /// The one commit that was sent since the last look, of one partition.
    #[track_caller]
    pub(super) fn commit(&mut self) -> ((EffectId, Term), i64) {
        let mut commits = self.commits();
        assert_eq!(commits.len(), 1, "{commits:?}");
        commits.remove(0)
    }

    pub(super) fn commits(&mut self) -> Vec<((EffectId, Term), i64)> {
        let mut commits = Vec::new();
        self.outputs.retain(|output| match output {
            Output::Effect { id, effect: Effect::Commit(positions) } => {
                commits
                    .extend(positions.iter().map(|part| ((*id, part.term), part.position.get())));
                false
            }
            _ => true,
        });
        commits
    }

    #[track_caller]
    pub(super) fn answer(&mut self, id: ControlId) -> Answer {
        let found = self.outputs.iter().find_map(|output| match output {
            Output::Answer { id: of, answer } if *of == id => Some(answer.clone()),
            _ => None,
        });
        found.expect("an answer")
    }

    pub(super) fn released(&self) -> bool {
        self.outputs.iter().any(|output| matches!(output, Output::Release(_)))
    }

    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.outputs.iter().find_map(|output| match output {
            Output::Stopped(stopped) => Some(stopped.clone()),
            _ => None,
        })
    }
}
