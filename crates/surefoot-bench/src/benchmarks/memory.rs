//! What a consumer takes of memory while its handler is stuck and the topic is long.
//!
//! Two gigabytes wait. Everything between the broker and the handler fills up: what the engine
//! holds, what the client prefetches, and whole responses that one waiting record keeps alive. The
//! budget is meant to be all of it. The baseline is librdkafka at its own defaults, because those
//! are what a program has that sets nothing.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use surefoot::Budget;

use super::Setup;
use crate::arm::{Arm, ArmSpec, Outcome};
use crate::broker;
use crate::report::{Comparison, Figures, Section, Target};
use crate::rounds::interleave;
use crate::spread::Spread;
use crate::topic::Topic;

const LONG: Topic = Topic { records: 2_000_000, payload_bytes: 1024, keys: 10_000, codec: "none" };
const SMALL: Topic = Topic { records: 2_000_000, payload_bytes: 100, keys: 10_000, codec: "none" };
const ROUNDS: usize = 2;
const BESIDE_BUDGET_MB: f64 = 32.0;
const PEAK: &str = "peak MB";

pub(super) fn run(setup: &Setup) -> Result<Section> {
    let budget_mb = Budget::default().max_buffered_bytes.get() as f64 / 1e6;
    let mut section = Section {
        name: "memory".to_owned(),
        about: vec![
            format!("long: {LONG}"),
            format!("small: {SMALL}"),
            format!("Surefoot at its defaults: a budget of {budget_mb:.1} MB (64 MiB)"),
        ],
        arms: Vec::new(),
        comparisons: Vec::new(),
    };
    for (which, topic) in [("long", LONG), ("small", SMALL)] {
        let topic = setup.topic(topic)?;
        let arms = [Arm::Stuck, Arm::StuckPoll];
        let outcomes = interleave(&arms, setup.rounds(ROUNDS), |arm| measure(setup, *arm, &topic))?;
        for (arm, outcomes) in arms.iter().zip(&outcomes) {
            let name = format!("{}: {which}", arm.name());
            section.arms.push(Figures { arm: name, figures: figures(outcomes) });
        }
        let ours = &section.arms[section.arms.len() - arms.len()];
        section.comparisons.push(Comparison {
            what: format!("{}, {PEAK}", ours.arm),
            value: ours.figures[PEAK].clone(),
            unit: " MB",
            target: Some(Target::AtMost((budget_mb + BESIDE_BUDGET_MB).round())),
            indistinguishable: false,
        });
    }
    Ok(section)
}

fn measure(setup: &Setup, arm: Arm, topic: &Topic) -> Result<Outcome> {
    let bootstrap = setup.bootstrap()?;
    let spec = ArmSpec::new(arm, bootstrap, topic, &[]);
    let outcome = spec.start()?;
    let committed = broker::committed(bootstrap, &spec.group, &spec.topic)?;
    ensure!(
        committed.iter().all(|it| it.is_none_or(|position| position == 0)),
        "{} committed {committed:?} though nothing was handled",
        arm.name()
    );
    Ok(outcome)
}

fn figures(outcomes: &[Outcome]) -> BTreeMap<&'static str, Spread> {
    let spread = |value: fn(&Outcome) -> f64| Spread::of(outcomes.iter().map(value).collect());
    BTreeMap::from([
        (PEAK, spread(|it| it.peak_resident as f64 / 1e6)),
        ("at rest MB", spread(|it| it.extra["resident"] / 1e6)),
        ("before it joined MB", spread(|it| it.extra["resident_before"] / 1e6)),
    ])
}
