//! Writes what this consumer did, for `surefoot check` (docs/history.md, format 1).
//!
//! A history is worth what it still says after SIGKILL: each line is with the kernel before what it
//! announces can have an effect, and after what it reports. So there is no buffer that outlives a
//! step: lines that belong together are gathered and written by one call on a file opened for
//! appending. What the kernel has survives the process; no sync is needed for that.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::link::{Message, Sender};

mod line;
mod observer;

pub(crate) use line::{
    Assigned, Begin, CommitEnded, CommitOutcome, CommitPosition, CommitResult, CommitSent,
    Delivered, EndResult, Ended, Exited, GuaranteeName, Left, Line, OrderName, PartitionTerm,
    Pause, PauseName, Reset, Seek, Signal, Skipped, StartKnown, StartName, Started,
};
pub(crate) use observer::Historian;

/// The version of the format that is written.
pub(crate) const FORMAT: u32 = 1;

/// The history file of one incarnation. Shared by everyone who has something to tell.
#[derive(Debug)]
pub(crate) struct Recorder {
    // Held for good by whoever writes the last line.
    file: Mutex<File>,
    path: PathBuf,
    broken: OnceLock<Arc<io::Error>>,
    alarm: OnceLock<Sender>,
    /// Records that were started and did not end.
    running: AtomicU64,
}

/// Lines that are written together.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: Vec<u8>,
}

impl Recorder {
    /// Creates the next file `<member>-<incarnation>.ndjson` in `directory`, which is made if it
    /// does not exist, and writes its first line.
    pub(crate) fn create(
        directory: &Path,
        member: &str,
        begin: impl FnOnce(u32) -> Begin,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let mut incarnation = next_incarnation(directory, member)?;
        let (file, path) = loop {
            let path = directory.join(format!("{member}-{incarnation}.ndjson"));
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => break (file, path),
                // Another process took the number in between.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => incarnation += 1,
                Err(error) => return Err(error),
            }
        };
        let recorder = Self {
            file: Mutex::new(file),
            path,
            broken: OnceLock::new(),
            alarm: OnceLock::new(),
            running: AtomicU64::new(0),
        };
        let mut lines = Lines::default();
        lines.push(&Line::Begin(begin(incarnation)));
        recorder.file().write_all(&lines.text)?;
        Ok(recorder)
    }

    /// Hands the lines to the kernel, all or none unless the process dies in between.
    ///
    /// An error is kept ([`Recorder::error`]): after a hole, a history proves nothing, so that
    /// nothing more is written.
    pub(crate) fn write(&self, lines: &mut Lines) {
        if lines.text.is_empty() {
            return;
        }
        if self.broken.get().is_none()
            && let Err(error) = self.file().write_all(&lines.text)
        {
            // The first error of two threads is as good as the other.
            let _taken = self.broken.set(Arc::new(error));
            if let Some(alarm) = self.alarm.get() {
                // A thread that is gone needs no alarm.
                let _gone = alarm.send(Message::Abort);
            }
        }
        lines.text.clear();
    }

    /// Writes one line.
    pub(crate) fn record(&self, line: &Line<'_>) {
        let mut lines = Lines::default();
        lines.push(line);
        self.write(&mut lines);
    }

    /// Writes that a call for this many records begins.
    pub(crate) fn started(&self, started: Started<'_>) {
        self.running.fetch_add(started.count.unwrap_or(1), Ordering::Relaxed);
        self.record(&Line::Started(started));
    }

    /// Adds the end of a call, or of a part of a batch, to lines that are about to be written.
    pub(crate) fn ended(&self, lines: &mut Lines, ended: &Ended<'_>) {
        self.running.fetch_sub(ended.count.unwrap_or(1), Ordering::Relaxed);
        lines.push(&Line::Ended(ended));
    }

    /// Writes the last line. Whoever has a line to write after it waits for the end of the process:
    /// a commit that the engine's thread was about to announce is not sent.
    pub(crate) fn exited(&self, code: i32, why: String) {
        let mut file = self.file();
        let unfinished = self.running.load(Ordering::Relaxed);
        let mut lines = Lines::default();
        lines.push(&Line::Exited(Exited { code, why, unfinished }));
        if self.broken.get().is_none()
            && let Err(error) = file.write_all(&lines.text)
        {
            tracing::error!(%error, path = %self.path.display(), "the history has no last line");
        }
        mem::forget(file);
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().expect("no writer panics while it holds the file")
    }

    /// From here on, a hole in the history stops the consumer at once.
    pub(crate) fn set_alarm(&self, sender: Sender) {
        // A recorder belongs to one run.
        let _again = self.alarm.set(sender);
    }

    /// Why the history has a hole.
    pub(crate) fn error(&self) -> Option<Arc<io::Error>> {
        self.broken.get().cloned()
    }

    /// Where the history is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Lines {
    /// Adds a line with the present time.
    pub(crate) fn push(&mut self, line: &Line<'_>) {
        self.push_at(micros_since_epoch(), line);
    }

    fn push_at(&mut self, at: u64, line: &Line<'_>) {
        serde_json::to_writer(&mut self.text, &Stamped { at, line })
            .expect("lines have string keys, and a vector takes every byte");
        self.text.push(b'\n');
    }
}

#[derive(Serialize)]
struct Stamped<'a> {
    at: u64,
    #[serde(flatten)]
    line: &'a Line<'a>,
}

/// The number that comes after those in the directory.
fn next_incarnation(directory: &Path, member: &str) -> io::Result<u32> {
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

fn micros_since_epoch() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_the_page_says() {
        let started = Started {
            topic: "orders",
            partition: 3,
            term: 7,
            offset: 1042,
            attempt: 1,
            key: Some("ann"),
            last: None,
            count: None,
        };
        check(
            &Line::Started(started),
            r#"{"at":5,"event":"started","topic":"orders","partition":3,"term":7,"offset":1042,"attempt":1,"key":"ann"}"#,
        );
        let ended = Ended {
            topic: "orders",
            partition: 3,
            term: 7,
            offset: 1042,
            attempt: 1,
            last: Some(1050),
            count: Some(7),
            result: EndResult::Panic,
            message: Some("index \"9\" out of bounds".to_owned()),
        };
        check(
            &Line::Ended(&ended),
            r#"{"at":5,"event":"ended","topic":"orders","partition":3,"term":7,"offset":1042,"attempt":1,"last":1050,"count":7,"result":"panic","message":"index \"9\" out of bounds"}"#,
        );
        check(&Line::Left(Left {}), r#"{"at":5,"event":"left"}"#);
    }

    #[test]
    fn each_recorder_takes_the_next_incarnation_of_its_member() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("not/there/yet");
        for (member, name) in [("a", "a-1"), ("a", "a-2"), ("a-1", "a-1-1"), ("a", "a-3")] {
            let recorder = Recorder::create(&path, member, |number| begin(member, number)).unwrap();
            assert_eq!(recorder.path(), path.join(format!("{name}.ndjson")));
        }
    }

    #[test]
    fn what_was_written_is_in_the_file_before_the_recorder_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let recorder = Recorder::create(directory.path(), "a", |n| begin("a", n)).unwrap();
        recorder.record(&Line::Left(Left {}));
        let text = std::fs::read_to_string(recorder.path()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains(r#""event":"begin","format":1,"member":"a","incarnation":1"#));
        assert!(lines[1].contains(r#""event":"left""#));
        assert!(text.ends_with('\n'));
    }

    fn check(line: &Line<'_>, expected: &str) {
        let mut lines = Lines::default();
        lines.push_at(5, line);
        assert_eq!(String::from_utf8(lines.text).unwrap(), format!("{expected}\n"));
    }

    fn begin(member: &str, incarnation: u32) -> Begin {
        Begin {
            format: FORMAT,
            member: member.to_owned(),
            incarnation,
            group: "billing".to_owned(),
            guarantee: GuaranteeName::AtLeastOnce,
            processing_order: OrderName::Key,
            topics: vec!["orders".to_owned()],
            window: 0,
            max_in_flight: std::num::NonZeroUsize::MIN,
            max_buffered_bytes: std::num::NonZeroUsize::MIN,
            drain_deadline_ms: 1,
            pid: 1,
        }
    }
}
