//! Members of other makers in the same group, on Apache Kafka: each goes on exactly where the last
//! one stopped, with transactions, aborted ones, trailing markers and compacted topics.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xtask::crew::{Crew, Progress};
use xtask::kafka::ClusterOptions;
use xtask::python::{Python, Script, run};
use xtask::scene::Scene;

const PATIENCE: Duration = Duration::from_secs(90);
const N_PARTITIONS: u32 = 3;
const TAKE_PY: Script = Script { name: "take.py", text: include_str!("../scripts/take.py") };
const TAKE_JAVA: &str = include_str!("../scripts/Take.java");

/// What another client tells of its visit.
#[derive(Debug, Deserialize)]
struct Visit {
    before: BTreeMap<i32, i64>,
    read: BTreeMap<i32, Vec<i64>>,
    after: BTreeMap<i32, i64>,
}

/// The offsets that were handled, by partition, in the order of their members.
type Handled = BTreeMap<i32, Vec<i64>>;

#[test]
fn members_of_other_clients_resume_where_we_stopped_and_we_where_they_did() -> Result<()> {
    let scene = Scene::set("interop-plain", &ClusterOptions::default(), N_PARTITIONS)?;
    scene.java_produce("keyed", &["600", "40", "0"])?;
    relay(&scene)
}

#[test]
fn offsets_are_shared_over_transactions_aborted_ones_and_trailing_markers() -> Result<()> {
    let scene = Scene::set("interop-transactions", &ClusterOptions::default(), N_PARTITIONS)?;
    // The last of the thirty is aborted: behind the last visible record lie only what is invisible.
    scene.java_produce("transactions", &["30", "10", &N_PARTITIONS.to_string()])?;
    relay(&scene)
}

#[test]
fn offsets_are_shared_over_compaction_gaps() -> Result<()> {
    let mut scene = Scene::set("interop-compacted", &ClusterOptions::default(), N_PARTITIONS)?;
    (scene.topic, scene.group) = ("compacted", "compacted");
    let configs = [
        "cleanup.policy=compact",
        "segment.ms=200",
        "min.cleanable.dirty.ratio=0.001",
        "max.compaction.lag.ms=200",
        "delete.retention.ms=0",
    ];
    scene.make_topic(scene.topic, N_PARTITIONS, &configs)?;
    // Keys that come once stay, so that every gap has records around it.
    scene.java_produce("keyed", &["3000", "1000", "0"])?;
    scene.java_produce("keyed", &["600", "150", "0"])?;
    let crew = scene.crew("before")?;
    scene.poll("compaction", PATIENCE, || {
        // The active segment is not compacted: appending to the partitions rolls it.
        scene.produce(&(0..30).map(|number| format!("k{number}\tlater\n")).collect::<String>())?;
        let ends: i64 = scene.ends(&crew)?.values().sum();
        let visible: usize = visible(&crew)?.values().map(Vec::len).sum();
        Ok((visible < usize::try_from(ends)? * 2 / 3).then_some(()))
    })?;
    relay(&scene)
}

/// Us, Java, us, Python, us: each takes some and leaves.
fn relay(scene: &Scene) -> Result<()> {
    let mut handled = Handled::new();
    let committed = take(scene, "first", Some(120), &BTreeMap::new(), &mut handled)?;
    let visit = take_java(scene, 100)?;
    let committed = check_visit(scene, &committed, &visit, &mut handled)?;
    let committed = take(scene, "second", Some(120), &committed, &mut handled)?;
    let visit: Visit = Python::find()?
        .json(TAKE_PY, &[&scene.cluster.bootstrap(), scene.group, scene.topic, "100"])?;
    let committed = check_visit(scene, &committed, &visit, &mut handled)?;
    take(scene, "last", None, &committed, &mut handled)?;

    let group = scene.cluster.describe_group(scene.group, scene.topic)?;
    assert!(group.has_caught_up(), "{group:?}");
    let crew = scene.crew("after")?;
    scene.ends(&crew)?;
    // Together they handled everything once, each in the log's order.
    assert_eq!(handled, visible(&crew)?);
    Ok(())
}

/// Joins with a worker, handles about `count` records (all of them without), stops, and returns
/// what is committed by then. It must begin at `expected`.
fn take(
    scene: &Scene,
    name: &str,
    count: Option<usize>,
    expected: &BTreeMap<i32, i64>,
    handled: &mut Handled,
) -> Result<BTreeMap<i32, i64>> {
    let mut crew = scene.crew(name)?;
    let ends = scene.ends(&crew)?;
    let knobs = ["order=partition", "max_in_flight=2", "delay_ms=2", "every_ms=100"];
    crew.spawn("us", scene.worker(&crew, "us", &knobs))?;
    let mut progress = Progress::default();
    crew.until("the member's share", PATIENCE, |line| {
        progress.see(line);
        match count {
            Some(count) => (progress.n_started() >= count).then_some(()),
            None => progress.has_reached(&ends).then_some(()),
        }
    })?;
    crew.finish(PATIENCE)?;
    let history = fs::read_to_string(crew.directory().join("us-1.ndjson"))?;
    for line in history.lines() {
        let line: Fields = serde_json::from_str(line)?;
        match line.event.as_str() {
            "start_known" => {
                let wanted = expected.get(&line.partition).copied();
                assert_eq!(line.committed, wanted, "{name} begins partition {}", line.partition);
                assert_eq!(line.position, wanted.unwrap_or(0));
            }
            "started" => handled.entry(line.partition).or_default().push(line.offset),
            _ => {}
        }
    }
    let group = scene.cluster.describe_group(scene.group, scene.topic)?;
    assert!(group.is_empty(), "{group:?}");
    let committed = group.partitions.iter();
    Ok(committed.filter_map(|(&number, it)| Some((number, it.committed?))).collect())
}

fn take_java(scene: &Scene, count: u32) -> Result<Visit> {
    let mut command = scene.cluster.java_program("Take", TAKE_JAVA)?;
    command.args([&scene.cluster.bootstrap(), scene.group, scene.topic]).arg(count.to_string());
    let output = run(&mut command).context("the java member failed")?;
    serde_json::from_slice(&output.stdout).context("the java member printed something unexpected")
}

/// Holds what another client saw against what we had committed, and returns what it committed.
fn check_visit(
    scene: &Scene,
    committed: &BTreeMap<i32, i64>,
    visit: &Visit,
    handled: &mut Handled,
) -> Result<BTreeMap<i32, i64>> {
    assert_eq!(visit.before, *committed, "what the other client finds committed");
    let crew = scene.crew(&format!("visit-{}", visit.read.values().flatten().sum::<i64>()))?;
    scene.ends(&crew)?;
    let visible = visible(&crew)?;
    for (partition, read) in &visit.read {
        let from = committed.get(partition).copied().unwrap_or(0);
        let rest = visible[partition].iter().copied().filter(|&offset| offset >= from);
        let expected: Vec<i64> = rest.take(read.len()).collect();
        assert_eq!(*read, expected, "partition {partition} from {from}");
        handled.entry(*partition).or_default().extend(read);
    }
    if visit.read.is_empty() {
        bail!("the other client read nothing: {visit:?}");
    }
    Ok(visit.after.clone())
}

/// The fields of a history's line that say where a member began and what it started.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    event: String,
    partition: i32,
    offset: i64,
    position: i64,
    committed: Option<i64>,
}

/// The offsets that the dump in the crew's directory shows, by partition.
fn visible(crew: &Crew) -> Result<Handled> {
    #[derive(Deserialize)]
    struct Entry {
        partition: Option<i32>,
        offset: Option<i64>,
    }
    let mut offsets = Handled::new();
    let mut seen = BTreeSet::new();
    for line in fs::read_to_string(crew.directory().join("topic.ndjson"))?.lines() {
        let entry: Entry = serde_json::from_str(line)?;
        if let (Some(partition), Some(offset)) = (entry.partition, entry.offset) {
            assert!(seen.insert((partition, offset)), "{partition}@{offset} is dumped twice");
            offsets.entry(partition).or_default().push(offset);
        }
    }
    Ok(offsets)
}
