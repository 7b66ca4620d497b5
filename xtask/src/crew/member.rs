//! One member process: its child handle, its signals and the end of its log.
//!
//! SIGSTOP takes effect thread by thread, after the call that sent it has returned: until the last
//! one stands, a heartbeat may still go out.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

const POLL: Duration = Duration::from_millis(1);
const LOG_TAIL_LINES: usize = 8;

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Member {
    child: Child,
    incarnation: u32,
    log: PathBuf,
    termed: bool,
}

impl Member {
    pub(super) fn new(child: Child, incarnation: u32, log: PathBuf) -> Self {
        Self { child, incarnation, log, termed: false }
    }

    pub(super) fn incarnation(&self) -> u32 {
        self.incarnation
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        // Not waited for yet, so the id cannot have gone to a stranger.
        kill_process(self.pid(), signal).context("cannot signal a member")
    }

    pub(super) fn term(&mut self) -> Result<()> {
        self.termed = true;
        self.signal(Signal::TERM)
    }

    /// Whether it was asked to stop.
    pub(super) fn was_termed(&self) -> bool {
        self.termed
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot wait for a member")
    }

    pub(super) fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("it still runs after {} s; {}", patience.as_secs(), self.log_tail());
            }
            thread::sleep(POLL);
        }
    }

    pub(super) fn wait_until_stopped(&self, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        while !crate::kafka::every_thread_is_stopped(self.pid()) {
            if Instant::now() > deadline {
                bail!("a member does not stop; {}", self.log_tail());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// The last lines that it wrote, to end an error message with.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        format!("its log ends with\n    {}", tail.join("\n    "))
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
