//! How close keyed processing comes to what the handlers' own time allows.
//!
//! A thousand keys take turns, each record's handler sleeps 10 ms, and a thousand may run. Nobody
//! can be faster than all work divided by a thousand, nor than the longest chain of one key, since
//! a key's records run one after the other; here both are the same. The ideal is computed from how
//! long handlers really took, and once more from how long the sleep takes in a process that does
//! nothing else, because a busy runtime wakes its sleepers late and would excuse itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Setup;
use crate::arm::{Arm, ArmSpec, Outcome};
use crate::report::{Comparison, Figures, Section, Target};
use crate::rounds::interleave;
use crate::spread::Spread;
use crate::topic::Topic;

const TOPIC: Topic = Topic { records: 500_000, payload_bytes: 100, keys: 1000, codec: "none" };
const IN_FLIGHT: usize = 1000;
const WORK: Duration = Duration::from_millis(10);
const ARMS: [Arm; 2] = [Arm::KeyedWork, Arm::Tasks];
const ROUNDS: usize = 5;
const OF_IDEAL: &str = "% of ideal";
const OF_IDLE_IDEAL: &str = "% of ideal with idle sleeps";

pub(super) fn run(setup: &Setup) -> Result<Section> {
    let topic = setup.topic(TOPIC)?;
    let bootstrap = setup.bootstrap()?;
    let sleep = idle_sleep()?;
    let outcomes = interleave(&ARMS, setup.rounds(ROUNDS), |arm| {
        let mut spec = ArmSpec::new(*arm, bootstrap, &topic, &setup.client);
        spec.in_flight = IN_FLIGHT;
        spec.work = WORK;
        spec.measure()
    })?;
    let idle_ideal = sleep.as_secs_f64() * topic.records as f64 / IN_FLIGHT as f64;
    let arms: Vec<Figures> = ARMS
        .iter()
        .zip(&outcomes)
        .map(|(arm, outcomes)| Figures {
            arm: arm.name().to_owned(),
            figures: figures(outcomes, idle_ideal),
        })
        .collect();
    let comparisons = compare(&arms);
    let about = vec![
        topic.to_string(),
        format!("handlers sleep {WORK:?} (idle: {sleep:.2?}), {IN_FLIGHT} may run"),
        format!("client options of all arms: {}", setup.client_text()),
    ];
    Ok(Section { name: "parallel".to_owned(), about, arms, comparisons })
}

/// How long the sleep takes when nothing else is done: the median of as many at a time as run.
fn idle_sleep() -> Result<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut times: Vec<Duration> = runtime.block_on(async {
        let mut times = Vec::new();
        for _ in 0..64 {
            let start = Instant::now();
            tokio::time::sleep(WORK).await;
            times.push(start.elapsed());
        }
        times
    });
    times.sort();
    Ok(times[times.len() / 2])
}

fn figures(outcomes: &[Outcome], idle_ideal: f64) -> BTreeMap<&'static str, Spread> {
    let spread = |value: &dyn Fn(&Outcome) -> f64| Spread::of(outcomes.iter().map(value).collect());
    let wall = |it: &Outcome| it.wall.as_secs_f64();
    BTreeMap::from([
        ("wall s", spread(&wall)),
        ("k records/s", spread(&|it| it.rate() / 1e3)),
        ("handler ms", spread(&|it| it.extra["handler_millis"])),
        (OF_IDEAL, spread(&|it| 100.0 * it.extra["ideal_seconds"] / wall(it))),
        (OF_IDLE_IDEAL, spread(&|it| 100.0 * idle_ideal / wall(it))),
        ("CPU µs/record", spread(&|it| it.cpu_nanos() / 1e3)),
        ("peak MB", spread(&|it| it.peak_resident as f64 / 1e6)),
    ])
}

fn compare(arms: &[Figures]) -> Vec<Comparison> {
    let mut comparisons = Vec::new();
    for arm in arms {
        let target = (arm.arm == Arm::KeyedWork.name()).then_some(Target::AtLeast(95.0));
        for (name, target) in [(OF_IDEAL, target), (OF_IDLE_IDEAL, None)] {
            comparisons.push(Comparison {
                what: format!("{}, {name}", arm.arm),
                value: arm.figures[name].clone(),
                unit: " %",
                target,
                indistinguishable: false,
            });
        }
    }
    comparisons
}
