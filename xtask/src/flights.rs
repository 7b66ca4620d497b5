//! The flights run: real rows, real processes, real kills, and two who count.
//!
//! Rows of `flights`, keyed by tail number, are consumed by three members under each guarantee. Two
//! of the members are killed with SIGKILL and started again several times, each when its process
//! has handled a share of the rows, so that every kill hits work in progress on any machine. The
//! third stays, so that there is always somebody whose work a rebalance could disturb.
//!
//! What is promised is then counted twice, by `surefoot check` and by a program that shares neither
//! language nor client with it, and the two must agree.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::audit::{Audit, Recount, Verdict, surefoot};
use crate::crew::{Crew, Progress};
use crate::programs::Programs;
use crate::python::Python;

pub mod command;
mod data;
mod table;

pub use data::{ALL_ROWS, Rows};
pub use table::Table;

const N_PARTITIONS: u32 = 6;
const MEMBERS: [&str; 3] = ["a", "b", "c"];
const VICTIMS: [&str; 2] = ["a", "b"];

// A dead member's session runs out after 6 s; the rest is for a machine that does other things.
const STEP_PATIENCE: Duration = Duration::from_secs(180);
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// Which promise the members run under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// Nothing is lost, nothing is out of order by key; repeats only of what was not committed.
    AtLeastOnce,
    /// Nothing is repeated; at most the window is lost by a kill.
    AtMostOnce,
}

impl Guarantee {
    /// As histories and command lines spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        }
    }
}

/// A topic full of flights.
#[derive(Clone, Copy, Debug)]
pub struct Flights<'a> {
    /// The programs to run.
    pub programs: &'a Programs,
    /// The independent counter's interpreter.
    pub python: &'a Python,
    /// Where the cluster is.
    pub bootstrap: &'a str,
    /// The topic; it is made.
    pub topic: &'a str,
    /// Where histories and dumps go, one directory a guarantee; it is emptied.
    pub directory: &'a Path,
}

/// How one guarantee fared.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Which.
    pub guarantee: &'static str,
    /// What `surefoot check` counted.
    pub check: Row,
    /// What the independent program counted.
    pub recount: Row,
    /// What broke the promise, or where the two disagree. Empty is good.
    pub complaints: Vec<String>,
    /// How long the members worked.
    pub seconds: u64,
}

/// The numbers that both count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Records in the topic.
    pub produced: u64,
    /// Distinct records whose handler succeeded.
    pub handled: u64,
    /// Records that were passed over: under at-least-once not handled, under at-most-once not even
    /// started.
    pub lost: u64,
    /// Records whose handler was started, by a process that was killed before it ended, and that
    /// nobody handled.
    pub cut_short: u64,
    /// Handler calls beyond a record's first.
    pub repeated: u64,
    /// Handler calls before an earlier record of the key was done.
    pub out_of_order: u64,
    /// Members that were killed.
    pub kills: u64,
}

impl Flights<'_> {
    /// Makes the topic and produces the rows of `csv` into it.
    pub fn produce(&self, csv: &Path) -> Result<()> {
        if self.directory.exists() {
            fs::remove_dir_all(self.directory)
                .with_context(|| format!("cannot empty {}", self.directory.display()))?;
        }
        let partitions = N_PARTITIONS.to_string();
        let create = ["topics", "create", self.topic, "--partitions", &partitions];
        surefoot(self.programs, self.bootstrap, &create, Stdio::null())?;
        let csv = csv.to_string_lossy();
        let produce = ["produce", self.topic, &csv, "--key", "tailnum"];
        surefoot(self.programs, self.bootstrap, &produce, Stdio::null()).map(drop)
    }

    /// Consumes the topic under `guarantee` with `n_kills` kills, and counts.
    ///
    /// # Errors
    ///
    /// When the run does not come to its end. A broken promise is an `Ok` with complaints.
    pub fn consume(&self, guarantee: Guarantee, n_kills: u32) -> Result<Outcome> {
        let directory = self.directory.join(guarantee.name());
        let group = format!("{}-{}", self.topic, guarantee.name());
        let mut crew = Crew::new(&directory)?;
        let audit = Audit {
            programs: self.programs,
            bootstrap: self.bootstrap.to_owned(),
            topic: self.topic,
            group: &group,
            directory: &directory,
        };
        let ends = audit.ends()?;
        let began = Instant::now();
        for name in MEMBERS {
            crew.spawn(name, self.member(name, guarantee, &group, &directory))?;
        }
        let mut progress = Progress::default();
        let mut plan = KillPlan::new(ends.values().sum(), n_kills);
        while let Some(victim) = plan.wait(&mut crew, &mut progress, &ends)? {
            crew.kill(victim)?;
            crew.spawn(victim, self.member(victim, guarantee, &group, &directory))?;
            eprintln!("  {}: killed {victim} and started it again", guarantee.name());
        }
        crew.until("the group's last commit", STEP_PATIENCE, |line| {
            progress.see(line);
            progress.has_reached(&ends).then_some(())
        })?;
        crew.finish(STOP_PATIENCE)?;
        let seconds = began.elapsed().as_secs();
        eprintln!("  {}: all is committed; counting", guarantee.name());
        let (verdict, recount) = (audit.judge(&[])?, audit.recount(self.python)?);
        Ok(outcome(guarantee, n_kills, &verdict, &recount, seconds))
    }

    fn member(&self, name: &str, guarantee: Guarantee, group: &str, directory: &Path) -> Command {
        let mut command = Command::new(self.programs.flights());
        command.args([self.bootstrap, group, self.topic, guarantee.name()]);
        command.arg(directory).arg(name);
        command
    }
}

/// Whom to kill, and when: each victim each time its process has started a share of the records.
///
/// A third of the log is about what one member gets; the shares of its processes add up to less,
/// so that there is work left at the last kill.
struct KillPlan {
    share: i64,
    left: BTreeMap<&'static str, u32>,
    started: BTreeMap<&'static str, i64>,
}

impl KillPlan {
    fn new(n_records: i64, n_kills: u32) -> Self {
        let each = n_kills.div_ceil(2);
        let share = n_records / 3 / i64::from(each + 1) * 2 / 3;
        Self {
            share: share.max(1),
            left: VICTIMS.into_iter().zip([each, n_kills - each]).collect(),
            started: VICTIMS.into_iter().map(|name| (name, 0)).collect(),
        }
    }

    /// Waits until a victim is due; `None` when nobody is any more.
    fn wait(
        &mut self,
        crew: &mut Crew,
        progress: &mut Progress,
        ends: &BTreeMap<i32, i64>,
    ) -> Result<Option<&'static str>> {
        if self.left.values().all(|&left| left == 0) {
            return Ok(None);
        }
        let victim = crew.until("the next kill", STEP_PATIENCE, |line| {
            progress.see(line);
            if let Some(due) = self.see_start(&line.event, &line.member) {
                return Some(Some(due));
            }
            progress.has_reached(ends).then_some(None)
        })?;
        if victim.is_none() {
            let left: u32 = self.left.values().sum();
            bail!("all was handled with {left} kills to go: take more rows or fewer kills");
        }
        Ok(victim)
    }

    fn see_start(&mut self, event: &str, member: &str) -> Option<&'static str> {
        if event != "started" {
            return None;
        }
        let victim = VICTIMS.into_iter().find(|name| *name == member)?;
        let (left, started) = (self.left.get_mut(victim)?, self.started.get_mut(victim)?);
        *started += 1;
        if *left == 0 || *started < self.share {
            return None;
        }
        *left -= 1;
        *started = 0;
        Some(victim)
    }
}

/// Holds both counts against the promise and against each other.
fn outcome(
    guarantee: Guarantee,
    n_kills: u32,
    verdict: &Verdict,
    recount: &Recount,
    seconds: u64,
) -> Outcome {
    let counts = &verdict.counts;
    let check = Row {
        produced: counts.produced,
        handled: counts.handled,
        lost: counts.lost,
        cut_short: unaccounted(counts.produced, counts.handled, counts.lost),
        repeated: counts.repeated,
        out_of_order: counts.out_of_order,
        kills: counts.kills,
    };
    let recounted = Row {
        produced: recount.produced,
        handled: recount.handled,
        lost: recount.lost,
        cut_short: recount.started.saturating_sub(recount.handled),
        repeated: recount.repeated,
        out_of_order: recount.out_of_order,
        kills: recount.kills,
    };
    let mut complaints: Vec<String> = verdict.complaints().lines().map(str::to_owned).collect();
    let mut hold = |holds: bool, complaint: String| {
        if !holds {
            complaints.push(complaint);
        }
    };
    hold(verdict.passed, "surefoot check says no".to_owned());
    hold(check == recounted, format!("the counts disagree: {check:?} and {recounted:?}"));
    hold(recount.kills == u64::from(n_kills), format!("{} of {n_kills} kills", recount.kills));
    hold(recount.lag == 0, format!("lag {}", recount.lag));
    hold(recount.out_of_order == 0, format!("{} out of order", recount.out_of_order));
    let unhandled = recount.produced.saturating_sub(recount.handled);
    match guarantee {
        Guarantee::AtLeastOnce => {
            let again = recount.repeated_committed;
            hold(recount.lost == 0, format!("{} lost", recount.lost));
            hold(unhandled == 0, format!("{unhandled} not handled"));
            hold(again == 0, format!("{again} repeated although they were committed"));
        }
        Guarantee::AtMostOnce => {
            let (early, most) = (recount.started_early, recount.kills * recount.window);
            hold(recount.repeated == 0, format!("{} repeated", recount.repeated));
            hold(early == 0, format!("{early} started before they were committed"));
            hold(unhandled <= most, format!("{unhandled} lost or cut short, {most} allowed"));
        }
    }
    Outcome { guarantee: guarantee.name(), check, recount: recounted, complaints, seconds }
}

/// What is neither handled nor lost.
fn unaccounted(produced: u64, handled: u64, lost: u64) -> u64 {
    produced.saturating_sub(handled).saturating_sub(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn victims_are_killed_by_turns_of_their_own_progress() {
        let mut plan = KillPlan::new(180, 3);
        assert_eq!(plan.share, 13);
        let mut kills = Vec::new();
        for member in ["a", "b", "c"].iter().cycle().take(3 * 40) {
            kills.extend(plan.see_start("started", member));
            assert_eq!(plan.see_start("ended", member), None);
        }
        assert_eq!(kills, ["a", "b", "a"]);
    }

    #[test]
    fn a_run_that_kept_its_promise_has_no_complaints() {
        assert_eq!(complaints(Guarantee::AtLeastOnce, |_, _| ()), [""; 0]);
        assert_eq!(complaints(Guarantee::AtMostOnce, |_, recount| recount.repeated = 0), [""; 0]);
    }

    #[test]
    fn each_broken_promise_is_a_complaint() {
        use Guarantee::{AtLeastOnce, AtMostOnce};
        let check = |guarantee, change: fn(&mut Verdict, &mut Recount), complaint| {
            assert_eq!(complaints(guarantee, change).last().unwrap(), complaint);
        };
        check(AtLeastOnce, |it, _| it.passed = false, "surefoot check says no");
        check(AtLeastOnce, |_, it| it.lag = 3, "lag 3");
        check(AtLeastOnce, |_, it| it.kills = 1, "1 of 2 kills");
        check(AtLeastOnce, |_, it| it.out_of_order = 1, "1 out of order");
        check(AtLeastOnce, |_, it| it.lost = 1, "1 lost");
        check(AtLeastOnce, |_, it| it.handled = 99, "1 not handled");
        let again = "1 repeated although they were committed";
        check(AtLeastOnce, |_, it| it.repeated_committed = 1, again);
        check(AtMostOnce, |_, it| it.repeated = 1, "1 repeated");
        check(AtMostOnce, |_, it| it.started_early = 1, "1 started before they were committed");
        check(AtMostOnce, |_, it| it.handled = 79, "21 lost or cut short, 20 allowed");
        let disagreement = complaints(AtLeastOnce, |it, _| it.counts.repeated = 7);
        assert!(disagreement[0].starts_with("the counts disagree: "), "{disagreement:?}");
    }

    /// The complaints about a run that kept every promise but for `change`.
    fn complaints(guarantee: Guarantee, change: fn(&mut Verdict, &mut Recount)) -> Vec<String> {
        let mut recount = Recount { produced: 100, kills: 2, window: 10, ..Recount::default() };
        recount.handled = 100;
        recount.started = 100;
        let mut verdict = Verdict {
            passed: true,
            counts: crate::audit::Counts {
                produced: 100,
                handled: 100,
                kills: 2,
                ..crate::audit::Counts::default()
            },
            violations: Vec::new(),
        };
        change(&mut verdict, &mut recount);
        outcome(guarantee, 2, &verdict, &recount, 0).complaints
    }
}
