//! A member that sleeps through its replacement and wakes up, at every stage of a commit, on Apache
//! Kafka. Stopping a process closes no connection: when it goes on, it still has its sockets, its
//! requests half sent, and the conviction that it owns its partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use xtask::audit::Counts;
use xtask::crew::{Crew, Line, Progress};
use xtask::kafka::ClusterOptions;
use xtask::scene::Scene;

const PATIENCE: Duration = Duration::from_secs(90);
const ZOMBIE: &str = "z";
const OTHER: &str = "o";
const MORE: [&str; 2] = ["p", "q"];
const N_PARTITIONS: u32 = 4;
// A commit is answered within a millisecond or two: a stop may come too late for "not answered
// yet".
const ATTEMPTS: usize = 40;

/// Where the zombie stands when it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A handler runs.
    Started,
    /// A commit was sent, and a broker that does not read yet will find it.
    CommitUnread,
    /// A commit was written down and sent, or is about to be; no answer was seen.
    CommitUnanswered,
    /// A commit was answered; what follows from it may or may not have begun.
    CommitEnded,
    /// The group asked for a partition, and handlers still run.
    Revoking,
    /// A partition was assigned, and its start is not known.
    Assigned,
}

const STAGES: [Stage; 6] = [
    Stage::Started,
    Stage::CommitUnread,
    Stage::CommitUnanswered,
    Stage::CommitEnded,
    Stage::Revoking,
    Stage::Assigned,
];

#[test]
fn at_most_once_repeats_nothing_when_a_member_wakes_up_replaced() -> Result<()> {
    let knobs = ["guarantee=at-most-once", "every_records=20"];
    let counts = haunt("zombies-at-most-once", &knobs)?;
    assert_eq!(counts.repeated, 0, "{counts:?}");
    Ok(())
}

#[test]
fn at_least_once_loses_nothing_when_a_member_wakes_up_replaced() -> Result<()> {
    let knobs = ["guarantee=at-least-once", "every_ms=50"];
    let counts = haunt("zombies-at-least-once", &knobs)?;
    assert_eq!((counts.lost, counts.unhandled), (0, 0), "{counts:?}");
    assert_eq!(counts.handled, counts.produced, "{counts:?}");
    Ok(())
}

/// Two members share a topic; one is stopped at each stage in turn until the other has taken over.
fn haunt(name: &str, knobs: &[&str]) -> Result<Counts> {
    let scene = Scene::set(name, &ClusterOptions::default(), N_PARTITIONS)?;
    // A backlog, and more than one member can handle: whoever is looked at has something to do.
    scene.java_produce("keyed", &["4000", "400", "0"])?;
    let load = scene.load("keyed", &["360000", "400", "600"])?;
    let mut haunted = Haunted { scene: &scene, crew: scene.crew("crew")?, view: View::default() };
    let knobs: Vec<&str> = [
        "option.session.timeout.ms=6000",
        "option.heartbeat.interval.ms=500",
        "delay_ms=10",
        "max_in_flight=4",
        "drain_ms=5000",
    ]
    .into_iter()
    .chain(knobs.iter().copied())
    .collect();
    for member in [ZOMBIE, OTHER] {
        haunted.spawn(member, &knobs)?;
    }
    haunted.until("work by both", |view| view.works(ZOMBIE) && view.works(OTHER))?;
    for stage in STAGES {
        haunted.stop_at(stage, &knobs)?;
        haunted.until("the others' work on everything", View::is_taken_over)?;
        haunted.crew.go_on(ZOMBIE)?;
        // It may start records before it hears that it was replaced; that is no new life yet.
        haunted.until_line("assigned")?;
        haunted.view.forget_work();
        haunted.until("work by the woken member", |view| view.works(ZOMBIE))?;
        eprintln!("  woke up from {stage:?}");
    }
    drop(load);
    let Haunted { mut crew, mut view, .. } = haunted;
    let ends = scene.ends(&crew)?;
    crew.until("the last commit", PATIENCE, |line| {
        view.see(line);
        view.progress.has_reached(&ends).then_some(())
    })?;
    crew.finish(PATIENCE)?;
    let verdict = scene.judge(&crew, &[])?;
    if !verdict.passed {
        bail!("{}\n{:?}", verdict.complaints(), verdict.counts);
    }
    let counts = verdict.counts;
    assert!(counts.lost_terms >= 4, "the zombie lost its partitions while it slept: {counts:?}");
    assert_eq!(counts.commits_moved_back, 0, "{counts:?}");
    Ok(counts)
}

struct Haunted<'a> {
    scene: &'a Scene,
    crew: Crew,
    view: View,
}

impl Haunted<'_> {
    fn spawn(&mut self, member: &str, knobs: &[&str]) -> Result<()> {
        let worker = self.scene.worker(&self.crew, member, knobs);
        self.crew.spawn(member, worker)
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&View) -> bool) -> Result<()> {
        let view = &mut self.view;
        self.crew.until(what, PATIENCE, |line| {
            view.see(line);
            is_so(view).then_some(())
        })
    }

    /// Waits until the zombie writes such a line.
    fn until_line(&mut self, event: &str) -> Result<()> {
        let view = &mut self.view;
        self.crew.until(&format!("{event} of {ZOMBIE}"), PATIENCE, |line| {
            view.see(line);
            (line.member == ZOMBIE && line.event == event).then_some(())
        })
    }

    fn stop_at(&mut self, stage: Stage, knobs: &[&str]) -> Result<()> {
        match stage {
            Stage::Started => self.until_line("started")?,
            Stage::CommitEnded => self.until_line("commit_ended")?,
            Stage::CommitUnread => return self.stop_with_unread_commit(),
            Stage::CommitUnanswered => return self.stop_with_unanswered_commit(),
            // Four members share four partitions: whoever has two gives one away.
            Stage::Revoking => {
                MORE.iter().try_for_each(|member| self.spawn(member, knobs))?;
                self.until_line("revoking")?;
            }
            // Two of four leave: their partitions go to the others.
            Stage::Assigned => {
                self.until("work by all", |view| MORE.iter().all(|member| view.works(member)))?;
                MORE.iter().try_for_each(|member| self.crew.term(member))?;
                self.until_line("assigned")?;
                self.stop()?;
                for member in MORE {
                    let status = self.crew.wait(member, PATIENCE)?;
                    assert!(status.success(), "{member} ended with {status}");
                }
                return Ok(());
            }
        }
        self.stop()
    }

    /// The broker stands while the commit is sent, so that the request waits in its socket.
    fn stop_with_unread_commit(&mut self) -> Result<()> {
        self.scene.cluster.pause(1)?;
        let sent = self.until("a commit that is not answered", |view| view.is_waiting(ZOMBIE));
        let stopped = sent.and_then(|()| self.stop());
        self.scene.cluster.resume(1)?;
        stopped
    }

    fn stop_with_unanswered_commit(&mut self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            self.until_line("commit_sent")?;
            self.stop()?;
            if self.view.is_waiting(ZOMBIE) {
                return Ok(());
            }
            self.crew.go_on(ZOMBIE)?;
        }
        bail!("the answers to {ATTEMPTS} commits came before the member stood");
    }

    /// Stops the zombie and reads what it wrote until it stood.
    fn stop(&mut self) -> Result<()> {
        self.crew.stop(ZOMBIE)?;
        self.view.forget_work();
        let view = &mut self.view;
        self.crew.read(|line| view.see(line))
    }
}

/// What the histories say so far.
#[derive(Default)]
struct View {
    progress: Progress,
    /// The last commit of each member, if it was not answered.
    waiting: BTreeMap<String, u64>,
    /// The partitions that each member has started records of since it was forgotten.
    works: BTreeMap<String, BTreeSet<i32>>,
}

impl View {
    fn see(&mut self, line: &Line) {
        self.progress.see(line);
        let member = line.member.clone();
        match line.event.as_str() {
            "started" => {
                self.works.entry(member).or_default().insert(line.partition);
            }
            "commit_sent" => {
                self.waiting.insert(member, line.commit);
            }
            "commit_ended" if self.waiting.get(&member) == Some(&line.commit) => {
                self.waiting.remove(&member);
            }
            _ => {}
        }
    }

    fn works(&self, member: &str) -> bool {
        self.works.contains_key(member)
    }

    /// Whether somebody works on each partition.
    fn is_taken_over(&self) -> bool {
        self.works.values().flatten().collect::<BTreeSet<_>>().len() == N_PARTITIONS as usize
    }

    fn is_waiting(&self, member: &str) -> bool {
        self.waiting.contains_key(member)
    }

    fn forget_work(&mut self) {
        self.works.clear();
    }
}
