//! Handlers that run for longer than the group would wait for a silent member, on Apache Kafka.

use std::time::Duration;

use anyhow::Result;
use xtask::crew::{Crew, Progress};
use xtask::kafka::ClusterOptions;
use xtask::scene::Scene;

const LONG: Duration = Duration::from_secs(90);
const PATIENCE: Duration = Duration::from_secs(150);
const KNOBS: [&str; 3] =
    ["option.max.poll.interval.ms=10000", "option.session.timeout.ms=6000", "drain_ms=5000"];

#[test]
fn a_handler_of_90_s_keeps_its_partitions_at_a_poll_interval_of_10_s() -> Result<()> {
    let mut scene = Scene::set("long-handler", &ClusterOptions::default(), 3)?;
    let waits = begin(&scene, "sleep")?;
    // One handler waits as asynchronous code does, the other holds up the thread that it runs on.
    (scene.topic, scene.group) = ("blocked", "blocked");
    scene.make_topic(scene.topic, 3, &[])?;
    let blocks = begin(&scene, "block")?;
    judge(&scene, blocks)?;
    (scene.topic, scene.group) = ("t", "g");
    judge(&scene, waits)
}

/// A member whose handler has begun with the long record.
struct Running {
    crew: Crew,
    progress: Progress,
    partition: i32,
    offset: i64,
}

/// A member with one long record among short ones.
fn begin(scene: &Scene, verb: &str) -> Result<Running> {
    let short: String = (0..60).map(|number| format!("k{}\tok\n", number % 10)).collect();
    scene.produce(&format!("{short}long\t{verb} {}\n{short}", LONG.as_millis()))?;
    let mut crew = scene.crew(verb)?;
    crew.spawn("a", scene.worker(&crew, "a", &KNOBS))?;
    let mut progress = Progress::default();
    let (partition, offset) = crew.until("the long record", PATIENCE, |line| {
        progress.see(line);
        let is_long = line.event == "started" && line.key.as_deref() == Some("long");
        is_long.then_some((line.partition, line.offset))
    })?;
    Ok(Running { crew, progress, partition, offset })
}

fn judge(scene: &Scene, running: Running) -> Result<()> {
    let Running { mut crew, mut progress, partition, offset } = running;
    let ends = scene.ends(&crew)?;
    let mut has_ended = false;
    crew.until("the commit behind the long record", PATIENCE, |line| {
        progress.see(line);
        let is_end = line.event == "ended" && line.partition == partition;
        has_ended |= is_end && line.offset == offset;
        (has_ended && progress.has_reached(&ends)).then_some(())
    })?;
    crew.finish(PATIENCE)?;
    let verdict = scene.judge(&crew, &[])?;
    assert!(verdict.passed, "{}", verdict.complaints());
    let counts = verdict.counts;
    assert_eq!((counts.handled, counts.repeated, counts.lost), (121, 0, 0), "{counts:?}");
    assert_eq!((counts.rebalances, counts.lost_terms), (1, 0), "{counts:?}");
    Ok(())
}
