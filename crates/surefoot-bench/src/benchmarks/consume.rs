//! What it costs to consume, beside rdkafka's poll and beside the bare partition-queue reader.
//!
//! Two questions about the same arms. What a client takes of a CPU for a record, as a multiple of
//! what most applications use today; and what Surefoot adds to the floor that it is built on. The
//! handlers do nothing but touch the record, as the baselines do, so the figures are the price of
//! the promise alone. Throughput depends on what broker and client share a machine with; CPU time a
//! record does so far less, and is what targets are set for.

use std::collections::BTreeMap;

use anyhow::Result;

use super::Setup;
use crate::arm::{Arm, ArmSpec, Outcome};
use crate::report::{Comparison, Figures, Section, Target};
use crate::rounds::interleave;
use crate::spread::Spread;
use crate::topic::Topic;

/// One topic and what is expected of it.
pub(super) struct Workload {
    name: &'static str,
    topic: Topic,
    batch_of_poll: Option<Target>,
    keyed_of_poll: Option<Target>,
    batch_added: Option<Target>,
    keyed_added: Option<Target>,
}

pub(super) const RECORDS_OF_100B: Workload = Workload {
    name: "consume-100b",
    topic: Topic { records: 2_000_000, payload_bytes: 100, keys: 10_000, codec: "none" },
    batch_of_poll: Some(Target::AtMost(0.65)),
    keyed_of_poll: Some(Target::AtMost(0.8)),
    batch_added: Some(Target::AtMost(25.0)),
    keyed_added: Some(Target::AtMost(150.0)),
};

pub(super) const RECORDS_OF_1KIB: Workload = Workload {
    name: "consume-1kib",
    topic: Topic { records: 500_000, payload_bytes: 1024, keys: 10_000, codec: "none" },
    batch_of_poll: Some(Target::AtMost(0.8)),
    keyed_of_poll: None,
    batch_added: Some(Target::AtMost(25.0)),
    keyed_added: Some(Target::AtMost(150.0)),
};

pub(super) const RECORDS_IN_LZ4: Workload = Workload {
    name: "consume-lz4",
    topic: Topic { records: 2_000_000, payload_bytes: 100, keys: 10_000, codec: "lz4" },
    batch_of_poll: None,
    keyed_of_poll: None,
    batch_added: None,
    keyed_added: None,
};

const ARMS: [Arm; 4] = [Arm::Poll, Arm::Queue, Arm::Batch, Arm::Keyed];
const ROUNDS: usize = 6;
const CPU: &str = "CPU ns/record";

pub(super) fn run(setup: &Setup, workload: &Workload) -> Result<Section> {
    let topic = setup.topic(workload.topic)?;
    let bootstrap = setup.bootstrap()?;
    let outcomes = interleave(&ARMS, setup.rounds(ROUNDS), |arm| {
        ArmSpec::new(*arm, bootstrap, &topic, &setup.client).measure()
    })?;
    let arms: Vec<Figures> = ARMS
        .iter()
        .zip(&outcomes)
        .map(|(arm, outcomes)| Figures { arm: arm.name().to_owned(), figures: figures(outcomes) })
        .collect();
    let comparisons = compare(workload, &arms);
    let about = vec![
        topic.to_string(),
        "commits every second; every record counted, checked in order of its key, and committed"
            .to_owned(),
        format!("client options of all arms: {}", setup.client_text()),
    ];
    Ok(Section { name: workload.name.to_owned(), about, arms, comparisons })
}

fn figures(outcomes: &[Outcome]) -> BTreeMap<&'static str, Spread> {
    let spread = |value: fn(&Outcome) -> f64| Spread::of(outcomes.iter().map(value).collect());
    BTreeMap::from([
        (CPU, spread(Outcome::cpu_nanos)),
        ("k records/s", spread(|it| it.rate() / 1e3)),
        ("peak MB", spread(|it| it.peak_resident as f64 / 1e6)),
    ])
}

fn compare(workload: &Workload, arms: &[Figures]) -> Vec<Comparison> {
    let cpu = |arm: Arm| {
        let at = ARMS.iter().position(|it| *it == arm).expect("it is one of them");
        &arms[at].figures[CPU]
    };
    let ratio = |arm: Arm, target| {
        let (ours, theirs) = (cpu(arm), cpu(Arm::Poll));
        Comparison {
            what: format!("CPU of {} / of {}", arm.name(), Arm::Poll.name()),
            value: ours.with(theirs, |ours, theirs| ours / theirs),
            unit: "×",
            target,
            indistinguishable: ours.overlaps(theirs),
        }
    };
    let added = |arm: Arm, target| {
        let (ours, floor) = (cpu(arm), cpu(Arm::Queue));
        Comparison {
            what: format!("{} adds to the {}", arm.name(), Arm::Queue.name()),
            value: ours.with(floor, |ours, floor| ours - floor),
            unit: " ns a record",
            target,
            indistinguishable: ours.overlaps(floor),
        }
    };
    vec![
        ratio(Arm::Queue, None),
        ratio(Arm::Batch, workload.batch_of_poll),
        ratio(Arm::Keyed, workload.keyed_of_poll),
        added(Arm::Batch, workload.batch_added),
        added(Arm::Keyed, workload.keyed_added),
    ]
}
