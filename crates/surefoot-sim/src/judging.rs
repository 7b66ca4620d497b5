//! The end of a run: the log is dumped, and the history goes before the judge.
//!
//! The judge is the one that histories of real processes go through. What it cannot see in a
//! history (a payload handed back twice, a request never answered) the harness notes by itself.

use surefoot_check::history::TopicDump;
use surefoot_check::history::TopicRecord;
use surefoot_check::{Liveness, Promise, Verdict};

use crate::plan::Plan;
use crate::reach::ReachTable;
use crate::recorder::Tracing;
use crate::schedule::Micros;
use crate::world::{HEALING_BOUND, World};

/// What became of one seed.
#[derive(Debug)]
pub struct SeedResult {
    /// The seed.
    pub seed: u64,
    /// A hash over everything that happened.
    pub hash: u64,
    /// What was wrong, one line each; the first word is the predicate, or `harness`.
    pub violations: Vec<String>,
    /// The hard cases that were reached.
    pub reached: ReachTable,
    /// Virtual time, in microseconds.
    pub simulated: u64,
    /// Things that happened.
    pub events: u64,
    /// Lines of the history.
    pub lines: u64,
}

/// Runs one seed and judges it.
pub fn run_seed(seed: u64, tracing: Tracing) -> SeedResult {
    let (world, verdict) = run_world(seed, tracing);
    let mut violations: Vec<String> = verdict.violations.iter().map(in_one_line).collect();
    violations.extend(world.fabric.complaints.iter().map(|what| format!("harness: {what}")));
    SeedResult {
        seed,
        hash: world.fabric.recorder.hash(),
        violations,
        simulated: world.fabric.now,
        events: world.events,
        lines: world.fabric.recorder.run.entries().len() as u64,
        reached: world.fabric.reached,
    }
}

/// Runs one seed and returns the judge's whole verdict, for people.
pub fn verdict_of(seed: u64) -> Verdict {
    run_world(seed, Tracing::Off).1
}

fn run_world(seed: u64, tracing: Tracing) -> (World, Verdict) {
    let mut world = World::new(Plan::of_seed(seed), tracing);
    world.run();
    world.fabric.count_fates();
    for dump in dumps(&world) {
        world.fabric.recorder.run.add_topic(dump);
    }
    let promise = promise(&world);
    let verdict = surefoot_check::judge(&world.fabric.recorder.run, &promise);
    (world, verdict)
}

fn in_one_line(violation: &surefoot_check::Violation) -> String {
    let events = violation.events.iter().take(4).map(|event| {
        let at = event.at.saturating_sub(crate::fabric::WALL_ORIGIN_MS as u64 * 1_000);
        format!("[{:.6} {}: {}]", at as f64 / 1e6, event.source, event.text)
    });
    let events: Vec<_> = events.collect();
    format!("{}: {} {}", violation.predicate, violation.message, events.join(" "))
}

fn dumps(world: &World) -> Vec<TopicDump> {
    let existing = world.fabric.existing_partitions().into_iter();
    existing
        .map(|id| {
            let of = &world.fabric.plan.partitions[id.index()];
            let log = &world.kafka.logs[id.index()];
            TopicDump {
                topic: of.topic.clone(),
                partition: of.partition,
                topic_id: None,
                log_start: log.start(),
                end: log.high_watermark(),
                last_stable: log.stable(),
                records: log
                    .readable()
                    .map(|(record, timestamp)| TopicRecord {
                        offset: record.offset,
                        key: record.key.map(|key| world.fabric.recorder.key_name(key)),
                        timestamp: Some(timestamp),
                    })
                    .collect(),
            }
        })
        .collect()
}

fn promise(world: &World) -> Promise {
    let plan = &world.fabric.plan;
    let order = match plan.engine.processing_order {
        surefoot_core::ProcessingOrder::Partition => {
            surefoot_check::history::ProcessingOrder::Partition
        }
        surefoot_core::ProcessingOrder::Key => surefoot_check::history::ProcessingOrder::Key,
        surefoot_core::ProcessingOrder::Unordered => {
            surefoot_check::history::ProcessingOrder::Unordered
        }
    };
    const MILLIS: Micros = 1_000;
    Promise {
        clock_slack_ms: 0,
        // A partition holds its share of the budget at the time when it was read: the whole while
        // it was alone, then a half of it, a third. And one chunk of each may be under way.
        buffer_slack_bytes: plan.engine.budget.max_buffered_bytes.get() as u64 * 3 / 2
            + 2_000 * plan.fetch_size as u64 * 3 * plan.partitions.len() as u64,
        exit_slack_ms: 1_000,
        liveness: Some(Liveness {
            bound_ms: HEALING_BOUND / MILLIS,
            max_rebalances: 20,
            max_actions_per_second: 4_000,
        }),
        stall_bound_ms: Some(90_000),
        ..Promise::new(plan.guarantee, order)
    }
}
