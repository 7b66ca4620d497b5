//! A cluster: a directory with nodes in it, and what can be done to them.
//!
//! Whoever knows the directory can act: the test that started the cluster, a worker process that
//! it spawned, a person in a shell. So nothing about a cluster lives only in memory; `cluster.json`
//! is written before the first node runs, and a start that fails halfway can still be cleared.
//!
//! Up means that every node answers and lists every other (see `metadata`): a client that connects
//! at that moment meets no half-formed cluster.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::config::{self, Listeners, NodeAddress, Setting, User};
use super::jars::Jars;
use super::java::{Java, JvmPurpose};
use super::metadata;
use super::node::{Node, NodeState, is_stack_frame};
use super::ports;
use super::tools::Tool;
use super::version::KafkaVersion;

// Three nodes take 11 s on two idle cores; the rest is for a machine that also compiles.
const UP_PATIENCE: Duration = Duration::from_secs(120);
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(25);
// Any id does: clusters are told apart by their ports.
const CLUSTER_ID: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

/// What kind of cluster to start.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// How many nodes, each broker and controller; three bear the loss of one.
    pub nodes: u32,
    /// The release.
    pub version: KafkaVersion,
    /// Where clients may connect.
    pub listeners: Listeners,
    /// Broker settings on top of the harness's own, for every node.
    pub settings: Vec<Setting>,
}

impl Default for ClusterOptions {
    /// One open node: up in three seconds, and enough unless a broker is to be lost.
    fn default() -> Self {
        Self {
            nodes: 1,
            version: KafkaVersion::default(),
            listeners: Listeners::default(),
            settings: Vec::new(),
        }
    }
}

/// A cluster in a directory; nodes are numbered from 1.
///
/// This is a handle: dropping it leaves the nodes running.
#[derive(Clone, Debug)]
pub struct Cluster {
    directory: PathBuf,
    layout: Layout,
}

/// What `cluster.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Layout {
    version: KafkaVersion,
    nodes: Vec<NodeAddress>,
}

impl Cluster {
    /// Makes `directory`, starts a cluster in it and returns when it is up.
    ///
    /// # Errors
    ///
    /// When the directory exists, Java or the jars are missing, or a node does not come up: then
    /// nothing runs any more, and the directory stays, for its logs.
    pub fn up(directory: &Path, options: &ClusterOptions) -> Result<Self> {
        let java = Java::find()?;
        let jars = Jars::of(&options.version)?;
        let directory = std::path::absolute(directory)?;
        let cluster = Self { layout: Layout::new(options)?, directory };
        cluster.make_directory()?;
        cluster.configure(&options.settings)?;
        let result = cluster.format(&java, &jars).and_then(|()| {
            for node in cluster.all() {
                cluster.spawn(&java, &jars, &node)?;
            }
            cluster.wait_until_listed(&cluster.numbers())
        });
        if let Err(error) = result {
            cluster.stop_all()?;
            let directory = cluster.directory.display();
            return Err(error.context(format!("the cluster in {directory} did not come up")));
        }
        Ok(cluster)
    }

    /// The cluster that [`Cluster::up`] made in `directory`, whatever its nodes do now.
    pub fn open(directory: &Path) -> Result<Self> {
        let directory = std::path::absolute(directory)?;
        let path = directory.join("cluster.json");
        let text = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => anyhow!(
                "no cluster in {}: `cargo xtask kafka up` makes one, --dir names another place",
                directory.display()
            ),
            _ => anyhow!(error).context(format!("cannot read {}", path.display())),
        })?;
        let layout = serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged: remove its directory", path.display()))?;
        Ok(Self { directory, layout })
    }

    /// Kills every node, running or paused, and deletes the directory.
    pub fn down(self) -> Result<()> {
        self.stop_all()?;
        fs::remove_dir_all(&self.directory)
            .with_context(|| format!("cannot delete {}", self.directory.display()))
    }

    /// Kills the node with SIGKILL; returns when its process is gone.
    pub fn kill(&self, node: u32) -> Result<()> {
        self.node(node)?.kill()
    }

    /// Stops the node with SIGSTOP; returns when its last thread stands.
    pub fn pause(&self, node: u32) -> Result<()> {
        self.node(node)?.pause()
    }

    /// Lets a paused node go on with SIGCONT; returns at once, the node may lag behind for a while.
    pub fn resume(&self, node: u32) -> Result<()> {
        self.node(node)?.resume()
    }

    /// Shuts the node down in order with SIGTERM; returns when its process is gone.
    pub fn term(&self, node: u32) -> Result<()> {
        self.node(node)?.term()
    }

    /// Starts stopped nodes again on their data; returns when they and all running nodes list them.
    ///
    /// Start together what only together is a majority: one node of three never comes up alone.
    pub fn start(&self, nodes: &[u32]) -> Result<()> {
        let java = Java::find()?;
        let jars = Jars::of(&self.layout.version)?;
        for &node in nodes {
            self.spawn(&java, &jars, &self.node(node)?)?;
        }
        self.wait_until_listed(nodes)
    }

    /// What the node's process does.
    pub fn state(&self, node: u32) -> Result<NodeState> {
        Ok(self.node(node)?.state())
    }

    /// The numbers of the nodes.
    pub fn numbers(&self) -> Vec<u32> {
        self.layout.nodes.iter().map(|it| it.number).collect()
    }

    /// Where everything of the cluster lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// `host:port,…` of the open listener.
    pub fn bootstrap(&self) -> String {
        addresses(self.layout.nodes.iter().map(|it| it.open))
    }

    /// `host:port,…` of the secure listener.
    ///
    /// # Errors
    ///
    /// When the cluster was started without one.
    pub fn secure_bootstrap(&self) -> Result<String> {
        let ports: Option<Vec<u16>> = self.layout.nodes.iter().map(|it| it.secure).collect();
        match ports {
            Some(ports) => Ok(addresses(ports.into_iter())),
            None => bail!("the cluster has no secure listener: start it with --secure"),
        }
    }

    /// The properties file with which Kafka's tools log in as `user` on the secure listener.
    pub fn client_config(&self, user: User) -> PathBuf {
        self.directory.join(format!("{}.properties", user.name()))
    }

    /// Runs one of Kafka's own tools to its end, without input. The cluster's open listener is
    /// named unless `arguments` name another.
    ///
    /// A tool that ran and failed is an `Ok` with its exit status.
    pub fn tool<A: AsRef<str>>(&self, name: &str, arguments: &[A]) -> Result<Output> {
        let mut command = self.tool_command(name, arguments)?;
        command.stdin(Stdio::null()).output().with_context(|| format!("{name} does not start"))
    }

    /// The command that [`Cluster::tool`] runs, for one that needs input or runs beside a test.
    pub fn tool_command<A: AsRef<str>>(&self, name: &str, arguments: &[A]) -> Result<Command> {
        let tool = Tool::named(name)?;
        let arguments: Vec<String> = arguments.iter().map(|it| it.as_ref().to_owned()).collect();
        let version = &self.layout.version;
        let (java, jars) = (Java::find()?, Jars::of(version)?);
        let mut command = java.command(&jars, JvmPurpose::Tool, tool.class(version));
        command.args(tool.leading(&arguments, &self.bootstrap())).args(arguments);
        Ok(command)
    }

    /// A command that runs a Java program of one file against the release's own client; the caller
    /// adds its arguments. `name` is the program's class, `text` its source.
    pub fn java_program(&self, name: &str, text: &str) -> Result<Command> {
        let version = &self.layout.version;
        let (java, jars) = (Java::find()?, Jars::of(version)?);
        let file = self.directory.join(format!("{name}.java"));
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(java.command(&jars, JvmPurpose::Tool, &file.to_string_lossy()))
    }

    fn make_directory(&self) -> Result<()> {
        let directory = self.directory.display();
        if let Some(parent) = self.directory.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {directory}"))?;
        }
        match fs::create_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(
                "{directory} exists already: `cargo xtask kafka down --dir {directory}` removes \
                 a cluster, --dir names another place"
            ),
            made => made.with_context(|| format!("cannot make {directory}")),
        }
    }

    fn configure(&self, settings: &[Setting]) -> Result<()> {
        let layout = serde_json::to_vec_pretty(&self.layout)?;
        fs::write(self.directory.join("cluster.json"), layout)?;
        for user in User::ALL {
            fs::write(self.client_config(user), config::client_properties(user))?;
        }
        for address in &self.layout.nodes {
            let node = Node::new(&self.directory, address.number);
            let nodes = &self.layout.nodes;
            let text = config::server_properties(nodes, address, &node.data(), settings);
            fs::create_dir(node.directory())?;
            fs::write(node.config_file(), text)?;
        }
        Ok(())
    }

    /// Prepares every node's data directory, side by side: each takes a JVM's start.
    fn format(&self, java: &Java, jars: &Jars) -> Result<()> {
        let commands = self.all().map(|node| {
            let mut command = java.command(jars, JvmPurpose::Tool, "kafka.tools.StorageTool");
            command.args(["format", "-t", CLUSTER_ID, "-c"]).arg(node.config_file());
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().context("the storage tool does not start")
        });
        let children = commands.collect::<Result<Vec<_>>>()?;
        for child in children {
            let output = child.wait_with_output()?;
            if !output.status.success() {
                let reason = [output.stdout, output.stderr].concat();
                let reason = String::from_utf8_lossy(&reason);
                let lines: Vec<&str> = reason.lines().filter(|it| !is_stack_frame(it)).collect();
                bail!("kafka refuses its configuration: {}", lines.join("; "));
            }
        }
        Ok(())
    }

    fn spawn(&self, java: &Java, jars: &Jars, node: &Node) -> Result<()> {
        let mut command = java.command(jars, JvmPurpose::Broker, "kafka.Kafka");
        command.arg(node.config_file());
        node.start(command)
    }

    /// Waits until each of `expected`, and every other node that runs, lists all of `expected`.
    fn wait_until_listed(&self, expected: &[u32]) -> Result<()> {
        let deadline = Instant::now() + UP_PATIENCE;
        for node in self.all() {
            loop {
                let state = node.state();
                let is_expected = expected.contains(&node.number());
                if is_expected && state == NodeState::Stopped {
                    bail!("node {} went down; {}", node.number(), node.log_tail());
                }
                if !is_expected && state != NodeState::Running {
                    break;
                }
                let answer = metadata::known_brokers(self.address(&node), ANSWER_PATIENCE);
                let listed = |known: &_| missing(known, expected).is_empty();
                if answer.as_ref().is_ok_and(listed) {
                    break;
                }
                if Instant::now() > deadline {
                    let problem = match answer {
                        Ok(known) => format!("does not list {:?}", missing(&known, expected)),
                        Err(error) => format!("does not answer ({error})"),
                    };
                    let (number, seconds) = (node.number(), UP_PATIENCE.as_secs());
                    bail!("node {number} {problem} after {seconds} s; {}", node.log_tail());
                }
                thread::sleep(POLL);
            }
        }
        Ok(())
    }

    /// Kills what runs and keeps the directory.
    pub(crate) fn stop_all(&self) -> Result<()> {
        for node in self.all().filter(|node| node.state() != NodeState::Stopped) {
            node.kill()?;
        }
        Ok(())
    }

    fn node(&self, number: u32) -> Result<Node> {
        if !self.numbers().contains(&number) {
            let directory = self.directory.display();
            bail!("no node {number} in {directory}: its nodes are {:?}", self.numbers());
        }
        Ok(Node::new(&self.directory, number))
    }

    fn all(&self) -> impl Iterator<Item = Node> {
        self.layout.nodes.iter().map(|it| Node::new(&self.directory, it.number))
    }

    fn address(&self, node: &Node) -> SocketAddr {
        let found = self.layout.nodes.iter().find(|it| it.number == node.number());
        let port = found.expect("nodes are made from the layout").open;
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

impl Layout {
    fn new(options: &ClusterOptions) -> Result<Self> {
        if options.nodes == 0 {
            bail!("a cluster without nodes answers nobody: ask for at least one");
        }
        let count = usize::try_from(options.nodes)?;
        let ports = ports::choose(3 * count)?;
        let nodes = (1..=options.nodes).zip(ports.chunks_exact(3));
        let nodes = nodes.map(|(number, ports)| NodeAddress {
            number,
            open: ports[0],
            controller: ports[1],
            secure: (options.listeners == Listeners::OpenAndSecure).then_some(ports[2]),
        });
        Ok(Self { version: options.version.clone(), nodes: nodes.collect() })
    }
}

fn addresses(ports: impl Iterator<Item = u16>) -> String {
    ports.map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
}

fn missing(known: &BTreeSet<u32>, expected: &[u32]) -> Vec<u32> {
    expected.iter().copied().filter(|number| !known.contains(number)).collect()
}
