//! What the engine alone costs a record: no client, no payloads, no handlers, no threads.
//!
//! Records go in as a fetch would bring them, deliveries come out, and every delivery's end goes in
//! again. The difference between this and what Surefoot adds in all is what the shell costs. The
//! floor is the same loop around a queue, which hands every record out again and decides nothing.

use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::time::Duration;

use surefoot_core::{
    Deliver, DeliveryUnit, Effect, Engine, EngineConfig, FIRST_ATTEMPT, Fetched, Guarantee,
    HandlerOutcome, Input, KeyHash, Mono, Now, Offset, Outcome, Output, Position, ProcessingOrder,
    RecordMeta, StartFacts, Term, Token, TopicPartition,
};

use super::Setup;
use crate::record::mixed;
use crate::report::{Comparison, Figures, Section};
use crate::rounds::interleave;
use crate::settings::PARTITIONS;
use crate::spread::Spread;
use crate::usage;

const ROUNDS: usize = 10;
const FETCHES: u64 = 4000;
const RECORDS_A_FETCH: u64 = 256;
const KEYS: u64 = 10_000;
const NANOS: &str = "ns/record";

/// What the records go through.
#[derive(Clone, Copy)]
enum Path {
    Queue,
    Engine(DeliveryUnit, ProcessingOrder),
}

const PATHS: [(&str, Path); 5] = [
    ("a queue", Path::Queue),
    ("engine, batches", Path::Engine(DeliveryUnit::Batch, ProcessingOrder::Key)),
    ("engine, records, key order", Path::Engine(DeliveryUnit::Record, ProcessingOrder::Key)),
    (
        "engine, records, partition order",
        Path::Engine(DeliveryUnit::Record, ProcessingOrder::Partition),
    ),
    ("engine, records, no order", Path::Engine(DeliveryUnit::Record, ProcessingOrder::Unordered)),
];

pub(super) fn run(setup: &Setup) -> Section {
    let times = interleave(&PATHS, setup.rounds(ROUNDS), |(_, path)| {
        Ok(match path {
            Path::Queue => through_queue(),
            Path::Engine(unit, order) => through_engine(*unit, *order),
        })
    });
    let times = times.expect("no measurement fails");
    let spreads: Vec<Spread> = times.into_iter().map(Spread::of).collect();
    let named = || PATHS.iter().zip(&spreads);
    let arms = named().map(|((name, _), spread)| Figures {
        arm: (*name).to_owned(),
        figures: BTreeMap::from([(NANOS, spread.clone())]),
    });
    let comparisons = named().skip(1).map(|((name, _), spread)| Comparison {
        what: format!("{name} adds to the queue"),
        value: spread.with(&spreads[0], |engine, queue| engine - queue),
        unit: " ns a record",
        target: None,
        indistinguishable: spread.overlaps(&spreads[0]),
    });
    Section {
        name: "engine".to_owned(),
        about: vec![format!(
            "in memory: {PARTITIONS} partitions in turn, fetches of {RECORDS_A_FETCH} records, \
             {KEYS} keys, at-least-once, every delivery done at once"
        )],
        arms: arms.collect(),
        comparisons: comparisons.collect(),
    }
}

fn fetched(first: u64) -> Fetched {
    let records = (first..first + RECORDS_A_FETCH).map(|number| RecordMeta {
        offset: Offset::new(number as i64),
        key: Some(KeyHash(mixed(mixed(number) % KEYS))),
        bytes: 620,
        token: Token(number as u32),
    });
    Fetched { records: records.collect(), leader_epoch: Some(3), token: Token(u32::MAX) }
}

fn through_queue() -> f64 {
    let mut queue = VecDeque::new();
    let mut sum = 0_u64;
    let start = usage::thread_cpu_time();
    for fetch in 0..FETCHES {
        for record in fetched(fetch * RECORDS_A_FETCH).records {
            queue.push_back((record.offset, record.token, record.key));
        }
        while let Some((offset, _, _)) = queue.pop_front() {
            sum = sum.wrapping_add(offset.get() as u64);
        }
    }
    black_box(sum);
    nanos_a_record(start)
}

fn through_engine(unit: DeliveryUnit, order: ProcessingOrder) -> f64 {
    let mut config = EngineConfig::new(Guarantee::AtLeastOnce);
    config.delivery_unit = unit;
    config.processing_order = order;
    let mut driven = Driven::new(Engine::new(config).expect("the configuration holds together"));
    driven.assign();
    let mut nexts = vec![0; PARTITIONS as usize];
    let mut handled = 0;
    let start = usage::thread_cpu_time();
    for fetch in 0..FETCHES {
        let partition = fetch as usize % nexts.len();
        let batch = fetched(nexts[partition]);
        nexts[partition] += RECORDS_A_FETCH;
        // As long as 256 records take at two million a second.
        driven.elapsed += Duration::from_micros(128);
        driven.feed(Input::Fetched { term: driven.terms[partition], batch });
        handled += driven.finish_all();
        if let Some(at) = driven.engine.poll_timeout().filter(|at| at.0 <= driven.elapsed) {
            black_box(at);
            driven.engine.handle_timeout(driven.now());
            driven.perform();
        }
    }
    let nanos = nanos_a_record(start);
    assert_eq!(handled, FETCHES * RECORDS_A_FETCH, "every record was delivered and done");
    nanos
}

fn nanos_a_record(start: Duration) -> f64 {
    (usage::thread_cpu_time() - start).as_secs_f64() * 1e9 / (FETCHES * RECORDS_A_FETCH) as f64
}

/// An engine and the little that stands for the world around it.
struct Driven {
    engine: Engine,
    elapsed: Duration,
    terms: Vec<Term>,
    delivered: VecDeque<Deliver>,
}

impl Driven {
    fn new(engine: Engine) -> Self {
        Self { engine, elapsed: Duration::ZERO, terms: Vec::new(), delivered: VecDeque::new() }
    }

    fn now(&self) -> Now {
        Now { mono: Mono(self.elapsed), wall_ms: 0 }
    }

    fn assign(&mut self) {
        let partitions = (0..PARTITIONS).map(|number| TopicPartition::new("bench", number));
        self.feed(Input::Assigned(partitions.collect()));
    }

    fn feed(&mut self, input: Input) {
        self.engine.handle_input(self.now(), input);
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Deliver(deliver) => self.delivered.push_back(deliver),
                Output::FindStart { term, .. } => self.start(term),
                Output::Effect { id, effect: Effect::Commit(positions) } => {
                    let done = positions.iter().map(|it| (it.term, Outcome::Done(())));
                    let outcomes = done.collect();
                    let now = self.now();
                    self.engine.handle_input(now, Input::EffectEnded { effect: id, outcomes });
                }
                _ => {}
            }
        }
    }

    fn start(&mut self, term: Term) {
        self.terms.push(term);
        let facts = StartFacts {
            committed: None,
            added_later: false,
            log_start: Position::new(0),
            log_end: Position::new(i64::MAX),
            high_watermark: Position::new(i64::MAX),
            at_time: None,
            topic_id: None,
            done_above: Vec::new(),
        };
        let outcome = Outcome::Done(facts);
        self.engine.handle_input(self.now(), Input::StartFound { term, outcome });
    }

    /// Ends every delivery, and those that this lets start; returns how many records ended.
    fn finish_all(&mut self) -> u64 {
        let mut records = 0;
        while !self.delivered.is_empty() {
            let now = self.now();
            for deliver in self.delivered.drain(..) {
                let Deliver { term, first, last, count, .. } = deliver;
                records += u64::from(count);
                let (attempt, outcome) = (FIRST_ATTEMPT, HandlerOutcome::Done);
                self.engine
                    .handle_input(now, Input::Finished { term, first, last, attempt, outcome });
            }
            self.perform();
        }
        records
    }
}
