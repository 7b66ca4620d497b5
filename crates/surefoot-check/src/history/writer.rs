//! Writes the history of one incarnation so that SIGKILL takes away at most the end of one line.
//!
//! A line is handed to the kernel by one call before the event's consequence may happen. What the
//! kernel has survives the process, so no sync is needed: a history guards against dying processes,
//! not against dying machines. Nothing is buffered here for the same reason.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Begin, Event, Line};

/// The history file of one incarnation, open for writing. Can be shared between threads.
#[derive(Debug)]
pub struct HistoryFile {
    file: File,
    path: PathBuf,
}

impl HistoryFile {
    /// Creates `<member>-<incarnation>.ndjson` in `directory` and writes its first line.
    ///
    /// # Errors
    ///
    /// When the file exists: two processes must never share an incarnation.
    pub fn create(directory: &Path, begin: Begin) -> io::Result<Self> {
        let path = directory.join(format!("{}-{}.ndjson", begin.member, begin.incarnation));
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        let history = Self { file, path };
        history.record(Event::Begin(Box::new(begin)))?;
        Ok(history)
    }

    /// Opens or creates a file for events from outside (`spawned`, `killed`, `healed`, …).
    pub fn outside(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// The incarnation number that comes after those in `directory`.
    pub fn next_incarnation(directory: &Path, member: &str) -> io::Result<u32> {
        let mut highest = 0;
        for entry in std::fs::read_dir(directory)? {
            let name = entry?.file_name();
            let incarnation = name
                .to_str()
                .and_then(|name| name.strip_suffix(".ndjson"))
                .and_then(|name| name.rsplit_once('-'))
                .filter(|(of, _)| *of == member)
                .and_then(|(_, number)| number.parse().ok());
            highest = highest.max(incarnation.unwrap_or(0));
        }
        Ok(highest + 1)
    }

    /// Writes an event with the present time.
    pub fn record(&self, event: Event) -> io::Result<()> {
        self.record_at(micros_since_epoch(), event)
    }

    /// Writes an event with a given time.
    pub fn record_at(&self, at: u64, event: Event) -> io::Result<()> {
        let mut line = Line { at, event }.to_json();
        line.push('\n');
        // One call on a file opened for appending: lines of two threads do not mix.
        (&self.file).write_all(line.as_bytes())
    }

    /// Where the history is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The wall clock as histories write it.
pub fn micros_since_epoch() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
