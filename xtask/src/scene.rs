//! What a test against Apache Kafka begins with: a cluster, the programs, and a place for evidence.
//!
//! Histories, logs and dumps of a scene stay in `target/kafka-tests` under the test's name until
//! its next run: a violation that was seen once in ten runs is judged again from there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::audit::{Audit, Verdict, surefoot};
use crate::crew::Crew;
use crate::kafka::{ClusterOptions, ScratchCluster};
use crate::programs::{Profile, Programs};
use crate::python::run;

const POLL: Duration = Duration::from_millis(100);

/// A cluster of a test's own, with one topic and one group that the test is about.
#[derive(Debug)]
pub struct Scene {
    /// The cluster.
    pub cluster: ScratchCluster,
    /// The programs, compiled as the tests are.
    pub programs: Programs,
    /// The topic that the methods mean; a test about two sets it in between.
    pub topic: &'static str,
    /// The group that the methods mean.
    pub group: &'static str,
    directory: PathBuf,
}

/// A program that produces while a test goes on. Dropping it kills it.
#[derive(Debug)]
pub struct Load(Child);

impl Scene {
    /// Starts a cluster and makes the topic `t`; evidence goes to a directory called `name`.
    pub fn set(name: &str, options: &ClusterOptions, partitions: u32) -> Result<Self> {
        let programs = Programs::build(Profile::Dev)?;
        let directory = crate::workspace().join("target/kafka-tests").join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot empty {}", directory.display()))?;
        }
        fs::create_dir_all(&directory)?;
        let cluster = ScratchCluster::up(options)?;
        let scene = Self { cluster, programs, topic: "t", group: "g", directory };
        scene.make_topic(scene.topic, partitions, &[])?;
        Ok(scene)
    }

    /// Makes another topic; `configs` are Kafka's topic settings, `key=value`.
    pub fn make_topic(&self, topic: &str, partitions: u32, configs: &[&str]) -> Result<()> {
        let partitions = partitions.to_string();
        let mut arguments = vec!["--create", "--topic", topic, "--partitions", &partitions];
        for config in configs {
            arguments.extend(["--config", config]);
        }
        let output = self.cluster.tool("kafka-topics", &arguments)?;
        if !output.status.success() {
            bail!("kafka-topics: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(())
    }

    /// A crew with an empty directory of its own.
    pub fn crew(&self, name: &str) -> Result<Crew> {
        Crew::new(&self.directory.join(name))
    }

    /// The test worker as a member of the scene's group; `knobs` are its arguments.
    pub fn worker(&self, crew: &Crew, member: &str, knobs: &[&str]) -> Command {
        let mut command = Command::new(self.programs.worker());
        command
            .arg(format!("bootstrap={}", self.cluster.bootstrap()))
            .arg(format!("group={}", self.group))
            .arg(format!("topics={}", self.topic))
            .arg(format!("history={}", crew.directory().display()))
            .arg(format!("member={member}"))
            .args(knobs);
        command
    }

    /// Appends records `key<TAB>payload` to the topic, one a line.
    pub fn produce(&self, lines: &str) -> Result<()> {
        let file = self.directory.join("produce.txt");
        fs::write(&file, lines)?;
        let file = file.to_string_lossy();
        let arguments = ["produce", self.topic, &file, "--key-separator", "\t"];
        surefoot(&self.programs, &self.cluster.bootstrap(), &arguments, Stdio::null()).map(drop)
    }

    /// Appends with Apache Kafka's own producer and waits for it; see `scripts/Produce.java`.
    pub fn java_produce(&self, mode: &str, arguments: &[&str]) -> Result<()> {
        run(&mut self.producer(mode, arguments)?).context("the java producer failed").map(drop)
    }

    /// Appends with Apache Kafka's own producer beside the test.
    pub fn load(&self, mode: &str, arguments: &[&str]) -> Result<Load> {
        let mut command = self.producer(mode, arguments)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Ok(Load(child.context("the java producer does not start")?))
    }

    /// Waits until the log's ends can be read and returns them.
    pub fn ends(&self, crew: &Crew) -> Result<BTreeMap<i32, i64>> {
        self.audit(crew.directory()).ends()
    }

    /// Judges what `crew` did, which is over; `more` goes to `surefoot check`.
    pub fn judge(&self, crew: &Crew, more: &[&str]) -> Result<Verdict> {
        self.audit(crew.directory()).judge(more)
    }

    /// Asks `ask` again until it answers; for what only polling can tell.
    pub fn poll<T>(
        &self,
        what: &str,
        patience: Duration,
        mut ask: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(answer) = ask()? {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                bail!("{what} did not happen within {} s", patience.as_secs());
            }
            thread::sleep(POLL);
        }
    }

    fn audit<'a>(&'a self, directory: &'a Path) -> Audit<'a> {
        Audit {
            programs: &self.programs,
            bootstrap: self.cluster.bootstrap(),
            topic: self.topic,
            group: self.group,
            directory,
        }
    }

    fn producer(&self, mode: &str, arguments: &[&str]) -> Result<Command> {
        let program = include_str!("../scripts/Produce.java");
        let mut command = self.cluster.java_program("Produce", program)?;
        command.args([mode, &self.cluster.bootstrap(), self.topic]).args(arguments);
        Ok(command)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}
