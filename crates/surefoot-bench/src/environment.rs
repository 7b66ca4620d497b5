//! What the machine was like: printed with every run, before and after.
//!
//! The same machine appends and syncs in 0.2 ms when quiet and in 8 ms beside a busy neighbour.
//! Figures of two runs can only be set side by side if their probes agree; within a run, probes
//! that drifted apart say that something else was going on.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

const SYNCS: usize = 64;
const TRIPS: usize = 2000;
const CANARY_STEPS: u64 = 100_000_000;

/// The machine at one moment.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Environment {
    pub(crate) kernel: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    /// Processes that ran or waited to run, on average over the last minute.
    pub(crate) load: String,
    /// Appending 4 KiB and `fdatasync`, median.
    pub(crate) sync_micros: f64,
    /// 64 bytes there and back over loopback TCP, median.
    pub(crate) round_trip_micros: f64,
    /// A hundred million dependent steps of arithmetic.
    pub(crate) canary_millis: f64,
}

/// Looks at the machine; takes about half a second.
pub(crate) fn probe() -> Result<Environment> {
    Ok(Environment {
        kernel: first_line("/proc/sys/kernel/osrelease"),
        cpu: cpu_model(),
        cores: thread::available_parallelism().map_or(0, usize::from),
        load: first_line("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        sync_micros: sync_micros().context("the disk cannot be probed")?,
        round_trip_micros: round_trip_micros().context("the loopback cannot be probed")?,
        canary_millis: canary_millis(),
    })
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown", |it| it.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn sync_micros() -> Result<f64> {
    let mut file: File = tempfile::tempfile()?;
    let page = [7; 4096];
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    Ok(median_micros(times))
}

fn round_trip_micros() -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let echo = thread::spawn(move || -> std::io::Result<()> {
        let (mut peer, _) = listener.accept()?;
        peer.set_nodelay(true)?;
        let mut buffer = [0; 64];
        for _ in 0..TRIPS {
            peer.read_exact(&mut buffer)?;
            peer.write_all(&buffer)?;
        }
        Ok(())
    });
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut buffer = [1; 64];
    let mut times = Vec::with_capacity(TRIPS);
    for _ in 0..TRIPS {
        let start = Instant::now();
        stream.write_all(&buffer)?;
        stream.read_exact(&mut buffer)?;
        times.push(start.elapsed());
    }
    echo.join().expect("the echo does not panic")?;
    Ok(median_micros(times))
}

fn canary_millis() -> f64 {
    let start = Instant::now();
    let mut state = black_box(1_u64);
    for _ in 0..CANARY_STEPS {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    black_box(state);
    start.elapsed().as_secs_f64() * 1e3
}

fn median_micros(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}
