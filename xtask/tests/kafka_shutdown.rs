//! A member that is told to stop, on Apache Kafka: in order, in a hurry, and with nobody answering.

use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::crew::{Crew, Line};
use xtask::kafka::ClusterOptions;
use xtask::scene::Scene;

const PATIENCE: Duration = Duration::from_secs(60);
const DRAIN: Duration = Duration::from_secs(4);
// What a loaded machine may take on top of a deadline.
const SLACK: Duration = Duration::from_secs(2);

#[test]
fn sigterm_drains_commits_the_frontier_and_leaves_the_group() -> Result<()> {
    let scene = Scene::set("shutdown-drain", &ClusterOptions::default(), 3)?;
    scene.produce(&records(300, "sleep 100"))?;
    let mut crew = scene.crew("drain")?;
    crew.spawn("a", scene.worker(&crew, "a", &["drain_ms=4000", "max_in_flight=16"]))?;
    wait_for(&mut crew, "40 handled records", 40, |line| line.event == "ended")?;

    crew.term("a")?;
    let status = crew.wait("a", PATIENCE)?;

    assert_eq!(status.code(), Some(0));
    let group = scene.cluster.describe_group(scene.group, scene.topic)?;
    assert!(group.is_empty(), "{group:?}");
    // P30 of the judge: nothing ran on, the frontier is what is committed, and it left in time.
    let verdict = scene.judge(&crew, &["--unfinished"])?;
    assert!(verdict.passed, "{}", verdict.complaints());
    assert_eq!((verdict.counts.lost, verdict.counts.repeated), (0, 0));
    let stored: i64 = group.partitions.values().filter_map(|it| it.committed).sum();
    assert_eq!(stored, verdict.counts.handled as i64, "what was handled is committed");
    Ok(())
}

#[test]
fn a_second_sigterm_ends_at_once_and_commits_nothing_unfinished() -> Result<()> {
    let scene = Scene::set("shutdown-twice", &ClusterOptions::default(), 1)?;
    scene.produce(&format!("{}k\tsleep 60000\n{0}", records(20, "ok")))?;
    let mut crew = scene.crew("twice")?;
    crew.spawn("a", scene.worker(&crew, "a", &["drain_ms=30000", "order=unordered"]))?;
    wait_for(&mut crew, "all but the long record", 40, |line| line.event == "ended")?;

    crew.term("a")?;
    wait_for(&mut crew, "the first signal", 1, |line| line.event == "signal")?;
    let began = Instant::now();
    crew.term("a")?;
    let status = crew.wait("a", PATIENCE)?;

    assert!(began.elapsed() < SLACK, "it took {:?}", began.elapsed());
    assert_eq!(status.code(), Some(143));
    let group = scene.cluster.describe_group(scene.group, scene.topic)?;
    let committed = group.partitions[&0].committed.unwrap_or(0);
    assert!(committed <= 20, "{committed} covers the record that was cut short, at 20");
    let verdict = scene.judge(&crew, &["--unfinished"])?;
    assert!(verdict.passed, "{}", verdict.complaints());
    Ok(())
}

#[test]
fn a_stop_ends_at_the_deadline_when_no_broker_answers() -> Result<()> {
    let scene = Scene::set("shutdown-alone", &ClusterOptions::default(), 1)?;
    scene.produce(&records(100, "ok"))?;
    let mut crew = scene.crew("alone")?;
    let knobs = ["drain_ms=4000", "delay_ms=50", "max_in_flight=4", "every_ms=60000"];
    crew.spawn("a", scene.worker(&crew, "a", &knobs))?;
    wait_for(&mut crew, "8 handled records", 8, |line| line.event == "ended")?;

    scene.cluster.pause(1)?;
    let began = Instant::now();
    crew.term("a")?;
    let status = crew.wait("a", PATIENCE)?;
    let took = began.elapsed();
    scene.cluster.resume(1)?;

    assert!(took < DRAIN + SLACK, "it took {took:?}");
    assert_eq!(status.code(), Some(1), "what was handled may not be committed");
    Ok(())
}

/// Waits until `count` lines were such.
fn wait_for(
    crew: &mut Crew,
    what: &str,
    count: usize,
    is_such: impl Fn(&Line) -> bool,
) -> Result<()> {
    let mut seen = 0;
    crew.until(what, PATIENCE, |line| {
        seen += usize::from(is_such(line));
        (seen >= count).then_some(())
    })
}

/// Records over ten keys.
fn records(count: usize, payload: &str) -> String {
    (0..count).map(|number| format!("k{}\t{payload}\n", number % 10)).collect()
}
