//! The member processes of one consumer group, and what is done to them.
//!
//! What a guarantee says about SIGKILL can only be seen on processes, so members are programs that
//! write a history (docs/history.md) into one directory. The crew starts, kills, stops and ends
//! them and writes a history of its own about that: without it the judge could not tell a member
//! that was killed from a history that was cut short.
//!
//! Nothing here waits for a time to pass: faults are triggered by what the histories say.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

mod ledger;
mod line;
mod member;
mod progress;
mod tail;

use ledger::Ledger;
pub use line::{CommitPosition, CommitResult, Line};
use member::Member;
pub use progress::Progress;
use tail::Tail;

// A program loads, resolves its arguments and makes a file; the rest is for a machine that
// compiles.
const BEGIN_PATIENCE: Duration = Duration::from_secs(30);
// A killed process is gone in milliseconds.
const KILL_PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(1);

/// The members of one group. Dropping it kills those that still run.
#[derive(Debug)]
pub struct Crew {
    directory: PathBuf,
    ledger: Ledger,
    tail: Tail,
    members: BTreeMap<String, Member>,
    incarnations: BTreeMap<String, u32>,
    n_killed: u32,
}

impl Crew {
    /// A crew whose histories lie in `directory`, which is made.
    pub fn new(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(Self {
            directory: directory.to_path_buf(),
            ledger: Ledger::create(&directory.join("harness.ndjson"))?,
            tail: Tail::new(directory),
            members: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            n_killed: 0,
        })
    }

    /// Where the histories lie.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// How many members were killed so far.
    pub fn n_killed(&self) -> u32 {
        self.n_killed
    }

    /// The members that run, by name.
    pub fn names(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    /// Starts the next incarnation of `member` and returns when its history has begun.
    ///
    /// # Errors
    ///
    /// When the member runs already, or the program ends without a history.
    pub fn spawn(&mut self, member: &str, mut program: Command) -> Result<()> {
        if self.members.contains_key(member) {
            bail!("member {member} runs already");
        }
        let incarnation = self.incarnations.get(member).copied().unwrap_or(0) + 1;
        let log = self.directory.join(format!("{member}-{incarnation}.log"));
        let history = self.directory.join(format!("{member}-{incarnation}.ndjson"));
        let stderr = File::create(&log)?;
        program.stdin(Stdio::null()).stdout(stderr.try_clone()?).stderr(stderr);
        self.ledger.spawned(member, incarnation)?;
        let child = program.spawn().with_context(|| format!("member {member} does not start"))?;
        let mut started = Member::new(child, incarnation, log);
        let deadline = Instant::now() + BEGIN_PATIENCE;
        while !has_begun(&history) {
            if let Some(status) = started.ended()? {
                bail!("member {member} ended at once ({status}); {}", started.log_tail());
            }
            if Instant::now() > deadline {
                bail!("member {member} writes no history; {}", started.log_tail());
            }
            thread::sleep(POLL);
        }
        self.incarnations.insert(member.to_owned(), incarnation);
        self.members.insert(member.to_owned(), started);
        Ok(())
    }

    /// Kills a member with SIGKILL; returns when its process is gone.
    pub fn kill(&mut self, member: &str) -> Result<()> {
        let mut killed = self.take(member)?;
        killed.signal(Signal::KILL)?;
        killed.wait(KILL_PATIENCE)?;
        self.ledger.killed(member, killed.incarnation())?;
        self.n_killed += 1;
        Ok(())
    }

    /// Stops a member with SIGSTOP; returns when its last thread stands.
    pub fn stop(&mut self, member: &str) -> Result<()> {
        let stopped = self.member(member)?;
        stopped.signal(Signal::STOP)?;
        stopped.wait_until_stopped(KILL_PATIENCE)?;
        let incarnation = stopped.incarnation();
        self.ledger.stopped(member, incarnation)
    }

    /// Lets a stopped member go on.
    pub fn go_on(&mut self, member: &str) -> Result<()> {
        let incarnation = self.member(member)?.incarnation();
        self.ledger.continued(member, incarnation)?;
        self.member(member)?.signal(Signal::CONT)
    }

    /// Asks a member to stop with SIGTERM, and returns at once.
    pub fn term(&mut self, member: &str) -> Result<()> {
        self.member(member)?.term()
    }

    /// Waits until a member has ended by itself; how it ended is for the caller to judge.
    pub fn wait(&mut self, member: &str, patience: Duration) -> Result<ExitStatus> {
        let mut ended = self.take(member)?;
        let waited = ended.wait(patience);
        if waited.is_err() {
            // It still runs: it stays a member, so that it is killed with the others.
            self.members.insert(member.to_owned(), ended);
        }
        waited.with_context(|| format!("member {member} does not end"))
    }

    /// Asks every member to stop and waits until all have; each must exit with 0.
    pub fn finish(&mut self, patience: Duration) -> Result<()> {
        let names = self.names();
        for name in &names {
            self.term(name)?;
        }
        for name in &names {
            let mut member = self.take(name)?;
            let status = member.wait(patience).with_context(|| format!("member {name} hangs"))?;
            if !status.success() {
                bail!("member {name} ended with {status}; {}", member.log_tail());
            }
        }
        Ok(())
    }

    /// Writes that all faults are over and who lives stays up.
    pub fn healed(&mut self) -> Result<()> {
        self.ledger.healed()
    }

    /// Reads what the histories say until `see` has seen enough.
    ///
    /// Each line is shown once, over all calls.
    ///
    /// # Errors
    ///
    /// After `patience`, naming `what` was waited for; or when a member ended meanwhile unasked.
    pub fn until<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut see: impl FnMut(&Line) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(seen) = self.tail.read_until(&mut see)? {
                return Ok(seen);
            }
            for (name, member) in &mut self.members {
                match member.ended()? {
                    None => {}
                    Some(status) if member.was_termed() && status.success() => {}
                    Some(status) => {
                        let tail = member.log_tail();
                        bail!("member {name} ended with {status} before {what}; {tail}");
                    }
                }
            }
            if Instant::now() > deadline {
                let seconds = patience.as_secs();
                let directory = self.directory.display();
                bail!("{what} did not happen within {seconds} s; histories: {directory}");
            }
            thread::sleep(POLL);
        }
    }

    /// Reads what the histories say now and was not shown yet.
    pub fn read(&mut self, mut see: impl FnMut(&Line)) -> Result<()> {
        let see = &mut |line: &Line| {
            see(line);
            None::<()>
        };
        self.tail.read_until(see).map(drop)
    }

    fn member(&mut self, name: &str) -> Result<&mut Member> {
        self.members.get_mut(name).with_context(|| format!("no member {name} runs"))
    }

    fn take(&mut self, name: &str) -> Result<Member> {
        self.members.remove(name).with_context(|| format!("no member {name} runs"))
    }
}

/// Whether the first line of a history is there whole.
fn has_begun(history: &Path) -> bool {
    fs::read(history).is_ok_and(|text| text.contains(&b'\n'))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn a_member_that_was_killed_comes_back_as_its_next_incarnation() {
        let scratch = TempDir::new().unwrap();
        let mut crew = Crew::new(scratch.path()).unwrap();
        crew.spawn("a", member(scratch.path(), "a", 1, "sleep 600")).unwrap();
        crew.kill("a").unwrap();
        crew.spawn("a", member(scratch.path(), "a", 2, "exit 0")).unwrap();
        assert!(crew.wait("a", SOON).unwrap().success());
        let ledger = fs::read_to_string(scratch.path().join("harness.ndjson")).unwrap();
        let events: Vec<(String, u64)> = ledger
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|it| {
                (it["event"].as_str().unwrap().to_owned(), it["incarnation"].as_u64().unwrap())
            })
            .collect();
        let expected = [("spawned", 1), ("killed", 1), ("spawned", 2)];
        assert_eq!(events, expected.map(|(event, n)| (event.to_owned(), n)));
        assert_eq!(crew.n_killed(), 1);
    }

    #[test]
    fn a_member_that_ends_while_something_is_waited_for_is_reported_with_its_words() {
        let scratch = TempDir::new().unwrap();
        let mut crew = Crew::new(scratch.path()).unwrap();
        crew.spawn("a", member(scratch.path(), "a", 1, "echo no broker; exit 3")).unwrap();
        let error = crew.until("the end", SOON, |_| None::<()>).unwrap_err().to_string();
        assert!(
            error.starts_with("member a ended with exit status: 3 before the end; "),
            "{error}"
        );
        assert!(error.ends_with("no broker"), "{error}");
    }

    #[test]
    fn a_program_without_a_history_is_no_member() {
        let scratch = TempDir::new().unwrap();
        let mut crew = Crew::new(scratch.path()).unwrap();
        let error = crew.spawn("a", Command::new("false")).unwrap_err().to_string();
        assert!(error.starts_with("member a ended at once (exit status: 1)"), "{error}");
    }

    #[test]
    fn a_stopped_member_goes_on_where_it_was() {
        let scratch = TempDir::new().unwrap();
        let mut crew = Crew::new(scratch.path()).unwrap();
        let second = scratch.path().join("a-1.ndjson");
        let script = format!(
            "while [ ! -e {0}/go ]; do sleep 0.01; done; echo '{1}' >> {2}; sleep 600",
            scratch.path().display(),
            r#"{"at":2,"event":"left"}"#,
            second.display()
        );
        crew.spawn("a", member(scratch.path(), "a", 1, &script)).unwrap();
        crew.stop("a").unwrap();
        fs::write(scratch.path().join("go"), "").unwrap();
        crew.go_on("a").unwrap();
        let seen =
            crew.until("the second line", SOON, |line| (line.event == "left").then_some(line.at));
        assert_eq!(seen.unwrap(), 2);
    }

    /// A program that begins a history and then does `rest`.
    fn member(directory: &Path, name: &str, incarnation: u32, rest: &str) -> Command {
        let history = directory.join(format!("{name}-{incarnation}.ndjson"));
        let begin = r#"{"at":1,"event":"begin"}"#;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("echo '{begin}' > {}; {rest}", history.display())]);
        command
    }
}
