//! Reads histories while they are written.
//!
//! Many small reads of growing files: each file is read on from where the last read ended, and the
//! part behind the last line break is kept for the next time, since a write may be seen half.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::line::Line;

/// The histories of a directory, and how far they were read.
#[derive(Debug)]
pub(super) struct Tail {
    directory: PathBuf,
    histories: BTreeMap<PathBuf, History>,
}

#[derive(Debug)]
struct History {
    member: String,
    incarnation: u32,
    file: File,
    read_to: u64,
    // What was read and not shown yet; up to `shown` it was.
    text: Vec<u8>,
    shown: usize,
}

impl Tail {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_path_buf(), histories: BTreeMap::new() }
    }

    /// Shows the new lines, history by history, until `see` has seen enough or there are no more.
    pub(super) fn read_until<T>(
        &mut self,
        see: &mut impl FnMut(&Line) -> Option<T>,
    ) -> Result<Option<T>> {
        self.open_new()?;
        for history in self.histories.values_mut() {
            history.read_on()?;
            while let Some(line) = history.next_line()? {
                if let Some(seen) = see(&line) {
                    return Ok(Some(seen));
                }
            }
        }
        Ok(None)
    }

    fn open_new(&mut self) -> Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if self.histories.contains_key(&path) {
                continue;
            }
            let Some((member, incarnation)) = name_of(&path) else {
                continue;
            };
            let file = File::open(&path)?;
            let (text, shown) = (Vec::new(), 0);
            let history = History { member, incarnation, file, read_to: 0, text, shown };
            self.histories.insert(path, history);
        }
        Ok(())
    }
}

impl History {
    fn read_on(&mut self) -> Result<()> {
        self.text.drain(..self.shown);
        self.shown = 0;
        self.file.seek(SeekFrom::Start(self.read_to))?;
        let read = self.file.read_to_end(&mut self.text)?;
        self.read_to += u64::try_from(read)?;
        Ok(())
    }

    fn next_line(&mut self) -> Result<Option<Line>> {
        let rest = &self.text[self.shown..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Ok(None);
        };
        let mut line: Line = serde_json::from_slice(&rest[..length]).with_context(|| {
            let line = String::from_utf8_lossy(&rest[..length]);
            format!("{}-{} has a damaged line: {line}", self.member, self.incarnation)
        })?;
        self.shown += length + 1;
        line.member.clone_from(&self.member);
        line.incarnation = self.incarnation;
        Ok(Some(line))
    }
}

/// Member and incarnation of `<member>-<incarnation>.ndjson`.
fn name_of(path: &Path) -> Option<(String, u32)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".ndjson")?;
    let (member, incarnation) = name.rsplit_once('-')?;
    Some((member.to_owned(), incarnation.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn each_line_is_shown_once_and_a_half_one_when_it_is_whole() {
        let scratch = TempDir::new().unwrap();
        let mut file = File::create(scratch.path().join("a-b-2.ndjson")).unwrap();
        fs::write(scratch.path().join("harness.ndjson"), "{}\n").unwrap();
        let mut tail = Tail::new(scratch.path());
        file.write_all(b"{\"at\":1,\"event\":\"begin\"}\n{\"at\":2,").unwrap();
        assert_eq!(all(&mut tail), [("a-b".to_owned(), 2, 1)]);
        file.write_all(b"\"event\":\"left\"}\n").unwrap();
        assert_eq!(all(&mut tail), [("a-b".to_owned(), 2, 2)]);
        assert_eq!(all(&mut tail), []);
    }

    #[test]
    fn lines_behind_the_one_that_was_enough_are_shown_later() {
        let scratch = TempDir::new().unwrap();
        let lines = "{\"at\":1,\"event\":\"x\"}\n{\"at\":2,\"event\":\"x\"}\n";
        fs::write(scratch.path().join("a-1.ndjson"), lines).unwrap();
        let mut tail = Tail::new(scratch.path());
        assert_eq!(tail.read_until(&mut |line| Some(line.at)).unwrap(), Some(1));
        assert_eq!(tail.read_until(&mut |line| Some(line.at)).unwrap(), Some(2));
        assert_eq!(tail.read_until(&mut |line| Some(line.at)).unwrap(), None);
    }

    fn all(tail: &mut Tail) -> Vec<(String, u32, u64)> {
        let mut seen = Vec::new();
        let see = &mut |line: &Line| {
            seen.push((line.member.clone(), line.incarnation, line.at));
            None::<()>
        };
        tail.read_until(see).unwrap();
        seen
    }
}
