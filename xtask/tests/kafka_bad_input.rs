//! What cannot work, on Apache Kafka: each mistake gives one line that names what to change, within
//! its time, and an exit that is not zero.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use xtask::kafka::{ClusterOptions, Listeners, User};
use xtask::programs::{Profile, Programs};
use xtask::scene::Scene;

const START_TIMEOUT: Duration = Duration::from_secs(5);
// Starting a process, and giving up the client.
const SLACK: Duration = Duration::from_secs(5);

#[test]
fn options_that_contradict_are_refused_before_anything_is_asked() -> Result<()> {
    let programs = Programs::build(Profile::Dev)?;
    let refused = |knobs: &[&str]| {
        let basics = ["bootstrap=127.0.0.1:1", "group=g", "topics=t"];
        Mistake::new(&programs, &[&basics, knobs].concat())
    };
    let poll = "option.max.poll.interval.ms=10000";
    refused(&["drain_ms=10000", poll, "option.session.timeout.ms=6000"])
        .expect_refusal(
            "error: drain deadline of 10s is not below `max.poll.interval.ms` (10s): the group waits \
             no longer than that for partitions to be given back, and would hand them out while they \
             drain; lower drain_deadline or raise `max.poll.interval.ms`",
        )?;
    refused(&["option.enable.auto.commit=true"]).expect_refusal(
        "error: client option `enable.auto.commit` = `true` cannot be set: commits follow the commit \
         policy; choose one with commit_policy",
    )?;
    refused(&["option.auto.offset.reset=latest"]).expect_refusal(
        "error: client option `auto.offset.reset` = `latest` cannot be set: it would skip or repeat \
         records whenever an offset is missing; choose a start policy",
    )?;
    refused(&["option.sasl.username=alice"]).expect_refusal(
        "error: client option `sasl.username` contradicts `security.protocol=plaintext`: the \
         connection would not authenticate; use sasl_plaintext or sasl_ssl",
    )?;
    refused(&["option.no.such.option=1"]).expect_refusal(
        "error: client option `no.such.option` = `1`: No such configuration property: \
         \"no.such.option\"",
    )?;
    refused(&["guarantee=at-most-once", "every_ms=1000"]).expect_refusal(
        "error: at-most-once commits ahead of each start: a commit interval cannot apply, give a \
         number of records (every_records) only",
    )?;
    refused(&["guarantee=at-most-once", "commit=manual"]).expect_refusal(
        "error: at-most-once starts a record only after its commit: manual commits cannot hold it, \
         use at-least-once",
    )
}

#[test]
fn brokers_that_are_not_there_or_no_brokers_are_named_within_the_timeout() -> Result<()> {
    let programs = Programs::build(Profile::Dev)?;
    let stranger = TcpListener::bind("127.0.0.1:0")?;
    let stranger = stranger.local_addr()?;
    for bootstrap in
        ["127.0.0.1:1".to_owned(), stranger.to_string(), "no.such.host.invalid:1".into()]
    {
        let knobs = [format!("bootstrap={bootstrap}"), "group=g".into(), "topics=t".into()];
        let knobs: Vec<&str> = knobs.iter().map(String::as_str).collect();
        Mistake::new(&programs, &knobs).expect_answer(&[&bootstrap])?;
    }
    Ok(())
}

#[test]
fn topics_credentials_and_permissions_that_are_missing_are_named() -> Result<()> {
    let options =
        ClusterOptions { listeners: Listeners::OpenAndSecure, ..ClusterOptions::default() };
    let scene = Scene::set("bad-input", &options, 1)?;
    let open = format!("bootstrap={}", scene.cluster.bootstrap());
    let secure = format!("bootstrap={}", scene.cluster.secure_bootstrap()?);
    let programs = &scene.programs;
    Mistake::new(programs, &[&open, "group=g", "topics=t,nowhere"]).expect_answer(&["nowhere"])?;
    // A listener that expects a login is no listener for someone without one.
    Mistake::new(programs, &[&secure, "group=g", "topics=t"])
        .expect_answer(&["security.protocol"])?;
    let login = |user: User, password: &str| {
        [
            secure.clone(),
            "group=g".to_owned(),
            "topics=t".to_owned(),
            "option.security.protocol=sasl_plaintext".to_owned(),
            "option.sasl.mechanism=PLAIN".to_owned(),
            format!("option.sasl.username={}", user.name()),
            format!("option.sasl.password={password}"),
        ]
    };
    let logged_in = |user: User, password: &str| {
        let knobs = login(user, password);
        Mistake::new(programs, &knobs.iter().map(String::as_str).collect::<Vec<_>>())
    };
    logged_in(User::Alice, "wrong").expect_answer(&["sasl.username `alice`", "PLAIN"])?;
    let alice = User::Alice.password();
    logged_in(User::Alice, &alice).expect_answer(&["topic", "`t`"])?;
    allow(&scene, &["--topic", "t"])?;
    logged_in(User::Alice, &alice).expect_answer(&["group `g`", "READ"])?;
    allow(&scene, &["--group", "g"])
}

/// Lets alice read.
fn allow(scene: &Scene, what: &[&str]) -> Result<()> {
    let add = ["--add", "--allow-principal", "User:alice", "--operation", "Read"];
    let output = scene.cluster.tool("kafka-acls", &[&add, what].concat())?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

/// A worker that cannot work.
struct Mistake {
    command: Command,
}

impl Mistake {
    fn new(programs: &Programs, knobs: &[&str]) -> Self {
        let mut command = Command::new(programs.worker());
        command.args(knobs).arg(format!("start_timeout_ms={}", START_TIMEOUT.as_millis()));
        Self { command }
    }

    /// Runs it and expects exactly this line.
    fn expect_refusal(mut self, line: &str) -> Result<()> {
        assert_eq!(message(&self.run()?), line);
        Ok(())
    }

    /// Runs it and expects one line with these words.
    fn expect_answer(mut self, words: &[&str]) -> Result<()> {
        let began = Instant::now();
        let message = message(&self.run()?);
        let took = began.elapsed();
        eprintln!("  {message}");
        for word in words {
            assert!(message.contains(word), "no `{word}` in: {message}");
        }
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(took < START_TIMEOUT + SLACK, "it took {took:?}: {message}");
        Ok(())
    }

    fn run(&mut self) -> Result<Output> {
        let output =
            self.command.stdin(Stdio::null()).output().context("the worker does not start")?;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        Ok(output)
    }
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
}
