//! What a process took of the machine: CPU time and memory.
//!
//! A client works in threads of its own, so CPU time is the whole process's, user and system: the
//! same account as `getrusage(RUSAGE_SELF)`, in nanoseconds. The high-water mark of memory that
//! `getrusage` tells is inherited from whoever started the process; the kernel's own line is not.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// CPU time of all threads of this process since it began.
pub(crate) fn cpu_time() -> Duration {
    read(ClockId::ProcessCPUTime)
}

/// CPU time of this thread since it began.
pub(crate) fn thread_cpu_time() -> Duration {
    read(ClockId::ThreadCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).expect("CPU time is not negative");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("less than a second"))
}

/// Bytes of memory that this process has now.
pub(crate) fn resident() -> Result<u64> {
    status_bytes("VmRSS:")
}

/// The most bytes of memory that this process ever had.
pub(crate) fn peak_resident() -> Result<u64> {
    status_bytes("VmHWM:")
}

fn status_bytes(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("/proc is not mounted")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|it| it.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.with_context(|| format!("no {name} in /proc/self/status"))? << 10)
}
