//! `cargo xtask kafka`: the harness from a shell.
//!
//! Each subcommand is one call of [`Cluster`]; what a script reads (addresses, a class path) goes
//! to standard output alone on its line, everything else to standard error. `tool` becomes the
//! tool itself, so that its input, output and exit code are the tool's own.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use super::cluster::{Cluster, ClusterOptions};
use super::config::{Listeners, Setting};
use super::harness_directory;
use super::jars::Jars;
use super::version::KafkaVersion;

/// What to do with Apache Kafka.
#[derive(Debug, Subcommand)]
pub enum KafkaCommand {
    /// Start a cluster and print its bootstrap addresses once every node answers
    Up(Up),
    /// Kill every node and delete the cluster's directory
    Down(Place),
    /// Kill nodes with SIGKILL
    Kill(Nodes),
    /// Stop nodes with SIGSTOP: connections stay open and nothing answers
    Pause(Nodes),
    /// Let paused nodes go on with SIGCONT
    Resume(Nodes),
    /// Shut nodes down in order with SIGTERM
    Term(Nodes),
    /// Start stopped nodes again on their data and wait until they take part
    Start(Nodes),
    /// Print the bootstrap addresses
    Bootstrap(Bootstrap),
    /// Run one of Kafka's own tools, such as kafka-topics; --bootstrap-server is added
    Tool(RunTool),
    /// Print the class path of a release, for `java -cp`
    Classpath(Release),
}

/// Which cluster.
#[derive(Debug, Args)]
pub struct Place {
    /// The cluster's directory
    #[arg(
        long,
        value_name = "DIR",
        env = "SUREFOOT_KAFKA_DIR",
        default_value_os_t = default_directory()
    )]
    dir: PathBuf,
}

/// Which release.
#[derive(Debug, Args)]
pub struct Release {
    /// The release of Apache Kafka, such as 4.3.1 or 3.9.1
    #[arg(long, default_value_t)]
    version: KafkaVersion,
}

/// What to start.
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    release: Release,
    /// How many nodes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5))]
    nodes: u32,
    /// Add a SASL/PLAIN listener with ACLs. Users admin, alice and bob, password NAME-secret;
    /// DIR/NAME.properties logs Kafka's tools in
    #[arg(long)]
    secure: bool,
    /// Add or override a broker setting
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
}

/// Which nodes.
#[derive(Debug, Args)]
pub struct Nodes {
    #[command(flatten)]
    place: Place,
    /// Node numbers, from 1
    #[arg(required = true, value_name = "NODE")]
    nodes: Vec<u32>,
}

/// Which listener.
#[derive(Debug, Args)]
pub struct Bootstrap {
    #[command(flatten)]
    place: Place,
    /// Of the secure listener
    #[arg(long)]
    secure: bool,
}

/// Which tool.
#[derive(Debug, Args)]
pub struct RunTool {
    #[command(flatten)]
    place: Place,
    /// The name of Kafka's script, without .sh
    name: String,
    /// The tool's own arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl KafkaCommand {
    /// Does it.
    #[expect(clippy::print_stdout, reason = "scripts read addresses and class paths from it")]
    pub fn run(self) -> Result<ExitCode> {
        match self {
            Self::Up(up) => println!("{}", up.run()?.bootstrap()),
            Self::Down(place) => place.open()?.down()?,
            Self::Kill(nodes) => nodes.each(Cluster::kill)?,
            Self::Pause(nodes) => nodes.each(Cluster::pause)?,
            Self::Resume(nodes) => nodes.each(Cluster::resume)?,
            Self::Term(nodes) => nodes.each(Cluster::term)?,
            Self::Start(nodes) => nodes.place.open()?.start(&nodes.nodes)?,
            Self::Bootstrap(it) if it.secure => {
                println!("{}", it.place.open()?.secure_bootstrap()?)
            }
            Self::Bootstrap(it) => println!("{}", it.place.open()?.bootstrap()),
            Self::Tool(tool) => return tool.run(),
            Self::Classpath(it) => println!("{}", Jars::of(&it.version)?.class_path()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Place {
    fn open(&self) -> Result<Cluster> {
        Cluster::open(&self.dir)
    }
}

impl Up {
    fn run(self) -> Result<Cluster> {
        let listeners = if self.secure { Listeners::OpenAndSecure } else { Listeners::Open };
        let options = ClusterOptions {
            nodes: self.nodes,
            version: self.release.version,
            listeners,
            settings: self.set,
        };
        Cluster::up(&self.place.dir, &options)
    }
}

impl Nodes {
    fn each(&self, act: impl Fn(&Cluster, u32) -> Result<()>) -> Result<()> {
        let cluster = self.place.open()?;
        self.nodes.iter().try_for_each(|&node| act(&cluster, node))
    }
}

impl RunTool {
    fn run(self) -> Result<ExitCode> {
        let mut command = self.place.open()?.tool_command(&self.name, &self.arguments)?;
        // Returns only when there is nothing to become.
        Err(command.exec()).with_context(|| format!("{} does not start", self.name))
    }
}

fn default_directory() -> PathBuf {
    harness_directory().join("cluster")
}
