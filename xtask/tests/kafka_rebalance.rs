//! Members that come and go under load, and a node that is killed, on Apache Kafka: graceful
//! changes repeat nothing and lose nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use xtask::audit::Verdict;
use xtask::crew::{Crew, Progress};
use xtask::kafka::ClusterOptions;
use xtask::scene::{Load, Scene};

const PATIENCE: Duration = Duration::from_secs(90);
const CHURN: Duration = Duration::from_secs(60);
const DRAIN: Duration = Duration::from_secs(5);
// A handler takes 5 ms: some are at work whenever a partition is asked back.
const KNOBS: [&str; 4] = ["drain_ms=5000", "delay_ms=5", "max_in_flight=32", "every_ms=500"];
const RATE: u64 = 600;

/// Who joins and leaves, in turns; `a` stays.
const TURNS: [(Turn, &str); 6] = [
    (Turn::Join, "b"),
    (Turn::Join, "c"),
    (Turn::Leave, "b"),
    (Turn::Join, "d"),
    (Turn::Leave, "c"),
    (Turn::Leave, "d"),
];

#[derive(Clone, Copy)]
enum Turn {
    Join,
    Leave,
}

#[test]
fn members_that_come_and_go_repeat_nothing_and_lose_nothing() -> Result<()> {
    let scene = Scene::set("rebalance-churn", &ClusterOptions::default(), 6)?;
    let (mut crew, mut progress) = (scene.crew("churn")?, Progress::default());
    let load = load(&scene)?;
    crew.spawn("a", scene.worker(&crew, "a", &KNOBS))?;
    let began = Instant::now();
    let mut n_turns = 0;
    for (turn, member) in TURNS.into_iter().cycle() {
        if began.elapsed() > CHURN {
            break;
        }
        match turn {
            Turn::Join => crew.spawn(member, scene.worker(&crew, member, &KNOBS))?,
            Turn::Leave => {
                crew.term(member)?;
                let status = crew.wait(member, PATIENCE)?;
                assert!(status.success(), "{member} ended with {status}");
            }
        }
        n_turns += 1;
        // The next turn comes when the group has worked on for about two seconds' worth.
        let target = progress.n_started() + usize::try_from(2 * RATE)?;
        crew.until("progress after a turn", PATIENCE, |line| {
            progress.see(line);
            (progress.n_started() >= target).then_some(())
        })?;
    }
    drop(load);
    let counts = settle(&scene, crew, progress)?.counts;
    eprintln!(
        "{n_turns} turns, {} assignments, {} records, {} repeated, {} lost; longest gap of a kept \
         partition {} ms",
        counts.rebalances, counts.produced, counts.repeated, counts.lost, counts.longest_gap_ms
    );
    assert!(n_turns >= 12, "only {n_turns} turns in a minute");
    assert!(Duration::from_millis(counts.longest_gap_ms) <= DRAIN + Duration::from_secs(1));
    Ok(())
}

#[test]
fn a_node_that_is_killed_and_started_again_repeats_nothing_and_loses_nothing() -> Result<()> {
    let options = ClusterOptions { nodes: 3, ..ClusterOptions::default() };
    let scene = Scene::set("rebalance-nodes", &options, 6)?;
    let (mut crew, mut progress) = (scene.crew("nodes")?, Progress::default());
    let load = load(&scene)?;
    for member in ["a", "b", "c"] {
        crew.spawn(member, scene.worker(&crew, member, &KNOBS))?;
    }
    // Each node in turn: one of them coordinates the group, each leads some partitions.
    for node in scene.cluster.numbers() {
        let mut work_on = |seconds: u64| {
            let target = progress.n_started() + usize::try_from(seconds * RATE)?;
            crew.until("progress around a node's death", PATIENCE, |line| {
                progress.see(line);
                (progress.n_started() >= target).then_some(())
            })
        };
        work_on(3)?;
        scene.cluster.kill(node)?;
        work_on(3)?;
        scene.cluster.start(&[node])?;
    }
    drop(load);
    let counts = settle(&scene, crew, progress)?.counts;
    eprintln!(
        "3 nodes killed and started, {} assignments, {} records, {} repeated, {} lost; longest gap \
         of a kept partition {} ms",
        counts.rebalances, counts.produced, counts.repeated, counts.lost, counts.longest_gap_ms
    );
    Ok(())
}

/// Produces for longer than any test here takes.
fn load(scene: &Scene) -> Result<Load> {
    scene.load("keyed", &[&(RATE * 600).to_string(), "500", &RATE.to_string()])
}

/// Waits until all is committed, stops everyone, and judges: nothing repeated, lost or moved back.
fn settle(scene: &Scene, mut crew: Crew, mut progress: Progress) -> Result<Verdict> {
    let ends = scene.ends(&crew)?;
    crew.until("the last commit", PATIENCE, |line| {
        progress.see(line);
        progress.has_reached(&ends).then_some(())
    })?;
    crew.finish(PATIENCE)?;
    let verdict = scene.judge(&crew, &[])?;
    let counts = &verdict.counts;
    if !verdict.passed {
        bail!("{}\n{counts:?}", verdict.complaints());
    }
    assert_eq!((counts.repeated, counts.lost, counts.unhandled), (0, 0, 0), "{counts:?}");
    assert_eq!((counts.out_of_order, counts.commits_moved_back), (0, 0), "{counts:?}");
    assert_eq!(counts.handled, counts.produced);
    Ok(verdict)
}
