//! One node: a directory, and the process that serves it while it runs.
//!
//! The process must outlive the command that started it and be found by the next one, so the
//! directory holds its process id. An id alone may since have gone to a stranger, and a signal
//! would then hit that one: a process counts as the node only if its command line names the
//! node's own configuration file. A zombie has no command line and counts as stopped.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

const POLL: Duration = Duration::from_millis(5);
// A killed or stopped process is gone in milliseconds; this is for a machine that swaps.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(20);
// A controlled shutdown hands over leaders and flushes logs. Guess, revisit.
const TERM_PATIENCE: Duration = Duration::from_secs(60);
const LOG_TAIL_LINES: usize = 12;

/// What the process of a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// There is no process.
    Stopped,
    /// The process runs; whether it answers is another question.
    Running,
    /// The process is stopped by SIGSTOP: its connections stay open and nothing answers.
    Paused,
}

/// A node's directory: its configuration, data, log and process id.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    number: u32,
    directory: PathBuf,
}

impl Node {
    pub(crate) fn new(cluster: &Path, number: u32) -> Self {
        Self { number, directory: cluster.join(format!("node-{number}")) }
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.directory.join("server.properties")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// The last lines of the log without stack traces, indented, to end an error message with.
    pub(crate) fn log_tail(&self) -> String {
        let path = self.log_file();
        let log = fs::read(&path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().filter(|line| !is_stack_frame(line)).collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        format!("the log {} ends with\n    {}", path.display(), tail.join("\n    "))
    }

    /// Starts `broker`, a command that ends with the path of the configuration file.
    ///
    /// The process gets a group of its own, so that Ctrl-C in the terminal does not reach it.
    pub(crate) fn start(&self, mut broker: Command) -> Result<()> {
        if let Some(pid) = self.pid() {
            bail!("node {} already runs as process {}", self.number, pid.as_raw_nonzero());
        }
        let log = File::options().create(true).append(true).open(self.log_file())?;
        let mut child = broker
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("node {} does not start", self.number))?;
        fs::write(self.pid_file(), child.id().to_string())?;
        // The kernel lets a parent go on a moment before the child's command line can be read;
        // whoever looked then would take the node for stopped.
        while self.pid().is_none() {
            if let Some(status) = child.try_wait()? {
                bail!("node {} ended at once ({status}); {}", self.number, self.log_tail());
            }
            thread::sleep(POLL);
        }
        // A killed child stays a zombie until someone waits for it; a long test kills often.
        thread::spawn(move || child.wait());
        Ok(())
    }

    pub(crate) fn state(&self) -> NodeState {
        match self.pid() {
            None => NodeState::Stopped,
            Some(pid) if every_thread_is_stopped(pid) => NodeState::Paused,
            Some(_) => NodeState::Running,
        }
    }

    /// Kills the process, running or paused, and returns when it is gone.
    pub(crate) fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL, NodeState::Stopped, SIGNAL_PATIENCE)
    }

    /// Stops the process's threads where they are and returns when the last one stands.
    pub(crate) fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP, NodeState::Paused, SIGNAL_PATIENCE)
    }

    /// Lets a paused process go on.
    pub(crate) fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT, NodeState::Running, SIGNAL_PATIENCE)
    }

    /// Asks the process to shut down in order and returns when it is gone.
    pub(crate) fn term(&self) -> Result<()> {
        if self.state() == NodeState::Paused {
            bail!("node {} is paused and cannot shut down: resume it first", self.number);
        }
        self.signal(Signal::TERM, NodeState::Stopped, TERM_PATIENCE)
    }

    fn signal(&self, signal: Signal, until: NodeState, patience: Duration) -> Result<()> {
        let Some(pid) = self.pid() else {
            bail!("node {} does not run: start it first", self.number);
        };
        kill_process(pid, signal).with_context(|| format!("cannot signal node {}", self.number))?;
        let deadline = Instant::now() + patience;
        while self.state() != until {
            if Instant::now() > deadline {
                bail!(
                    "node {} is {:?} and not {until:?} after {} s; {}",
                    self.number,
                    self.state(),
                    patience.as_secs(),
                    self.log_tail(),
                );
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.join("pid")
    }

    /// The id of the node's process, if that process is there and is the node's.
    fn pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        let pid = Pid::from_raw(text.trim().parse().ok()?)?;
        let command_line = fs::read(proc_of(pid).join("cmdline")).ok()?;
        let config_file = self.config_file();
        command_line
            .split(|&byte| byte == 0)
            .any(|argument| argument == config_file.as_os_str().as_encoded_bytes())
            .then_some(pid)
    }
}

/// Whether a line of a JVM's output is one of the many that a stack trace has below its first.
pub(crate) fn is_stack_frame(line: &str) -> bool {
    line.trim_start().starts_with("at ")
}

fn proc_of(pid: Pid) -> PathBuf {
    PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()))
}

/// Whether SIGSTOP has reached every thread; until then one of them may still answer a request.
pub(crate) fn every_thread_is_stopped(pid: Pid) -> bool {
    let Ok(threads) = fs::read_dir(proc_of(pid).join("task")) else {
        return false;
    };
    threads.flatten().all(|thread| {
        // A thread that ended meanwhile answers nothing.
        fs::read_to_string(thread.path().join("stat")).map_or(true, |stat| is_stopped(&stat))
    })
}

/// Reads the state out of `/proc/*/stat`: the first field behind the name, which may hold anything.
fn is_stopped(stat: &str) -> bool {
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    matches!(behind_name.split_whitespace().next(), Some("T" | "t" | "Z" | "X"))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn state_is_read_behind_a_name_that_holds_parentheses() {
        assert!(is_stopped("7 (java) T 1 7 7"));
        assert!(is_stopped("7 (a) S (b) T 1 7"));
        assert!(!is_stopped("7 (java) S 1 7 7"));
        assert!(!is_stopped("7 (T) R 1 7 7"));
        assert!(!is_stopped(""));
    }

    #[test]
    fn a_process_is_paused_resumed_and_killed() {
        let (_scratch, node) = node();
        node.start(sleeper(&node)).unwrap();
        assert_eq!(node.state(), NodeState::Running);
        let again = node.start(sleeper(&node)).unwrap_err().to_string();
        assert!(again.starts_with("node 1 already runs as process "), "{again}");
        node.pause().unwrap();
        assert_eq!(node.state(), NodeState::Paused);
        let error = node.term().unwrap_err().to_string();
        assert_eq!(error, "node 1 is paused and cannot shut down: resume it first");
        node.resume().unwrap();
        assert_eq!(node.state(), NodeState::Running);
        node.kill().unwrap();
        assert_eq!(node.state(), NodeState::Stopped);
        let error = node.kill().unwrap_err().to_string();
        assert_eq!(error, "node 1 does not run: start it first");
    }

    #[test]
    fn a_process_id_that_went_to_a_stranger_is_not_the_node() {
        let (_scratch, node) = node();
        let mut stranger = Command::new("sleep").arg("600").spawn().unwrap();
        fs::write(node.pid_file(), stranger.id().to_string()).unwrap();
        assert_eq!(node.state(), NodeState::Stopped);
        assert!(node.kill().is_err());
        assert!(stranger.try_wait().unwrap().is_none(), "the stranger was hit");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    fn node() -> (TempDir, Node) {
        let scratch = TempDir::new().unwrap();
        let node = Node::new(scratch.path(), 1);
        fs::create_dir(node.directory()).unwrap();
        (scratch, node)
    }

    /// A process that sleeps and names the configuration file, as a broker does.
    fn sleeper(node: &Node) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do sleep 600; done"]).arg(node.config_file());
        command
    }
}
