//! Reads histories and dumps into a run, and refuses what could hide something.
//!
//! A history with a hole proves nothing: the missing line may be the one that breaks the guarantee.
//! A process that was killed may leave the beginning of a line at its end, because that line's
//! consequence had not happened; everything else that is damaged or missing is refused, with the
//! place and what to do about it.

mod dump;
mod error;
mod file;
mod merge;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::LoadError;

use crate::history::{Event, IncarnationName};
use crate::run::Run;
use dump::Dump;
use file::{Contents, MemberFile, OutsideFile};

/// Reads the given files, and all `*.ndjson` of the given directories, into one run.
///
/// # Errors
///
/// When anything is damaged or missing. The message names the file, the line and what to do.
pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Run, LoadError> {
    let mut gathered = Gathered::default();
    for path in files(paths)? {
        match file::read(&path)? {
            Contents::Member(member) => gathered.members.push(member),
            Contents::Outside(outside) => gathered.outside.push(outside),
            Contents::Dumps(dumps) => {
                for dump in dumps {
                    gathered.add_dump(&path, dump)?;
                }
            }
        }
    }
    gathered.check()?;
    Ok(gathered.into_run())
}

/// The files to read, each once.
fn files<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<PathBuf>, LoadError> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        let path = path.as_ref();
        let unreadable = |source| LoadError::Unreadable { file: path.to_owned(), source };
        let mut found = vec![path.to_owned()];
        if path.is_dir() {
            let entries = fs::read_dir(path).map_err(unreadable)?;
            let entries = entries.map(|entry| entry.map(|entry| entry.path()));
            found = entries.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
            found.retain(|file| file.extension().is_some_and(|extension| extension == "ndjson"));
            found.sort();
        }
        for file in found {
            let real = file.canonicalize().map_err(unreadable)?;
            if seen.insert(real) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

#[derive(Default)]
struct Gathered {
    members: Vec<MemberFile>,
    outside: Vec<OutsideFile>,
    topics: BTreeMap<(Arc<str>, i32), (PathBuf, crate::history::TopicDump)>,
    offsets: BTreeMap<Arc<str>, (PathBuf, crate::history::OffsetsDump)>,
}

impl Gathered {
    fn add_dump(&mut self, path: &Path, dump: Dump) -> Result<(), LoadError> {
        let (what, before) = match dump {
            Dump::Topic(dump) => {
                let what = format!("{}[{}]", dump.topic, dump.partition);
                let place = (Arc::clone(&dump.topic), dump.partition);
                let before = self.topics.insert(place, (path.to_owned(), dump));
                (what, before.map(|(file, _)| file))
            }
            Dump::Offsets(dump) => {
                let what = format!("the offsets of group {}", dump.group);
                let place = Arc::clone(&dump.group);
                let before = self.offsets.insert(place, (path.to_owned(), dump));
                (what, before.map(|(file, _)| file))
            }
        };
        match before {
            Some(other) => Err(LoadError::TwoDumps { file: path.to_owned(), other, what }),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), LoadError> {
        let first = self.members.iter().find_map(|member| member.begin.as_ref());
        let Some(first) = first else { return Err(LoadError::NoMember) };
        for member in &self.members {
            let Some(begin) = &member.begin else { continue };
            let what = if begin.group != first.group {
                format!("group {}, others {}", begin.group, first.group)
            } else if begin.guarantee != first.guarantee {
                format!("guarantee {}, others {}", begin.guarantee, first.guarantee)
            } else if begin.processing_order != first.processing_order {
                format!(
                    "processing order {}, others {}",
                    begin.processing_order, first.processing_order
                )
            } else {
                continue;
            };
            return Err(LoadError::Disagree { file: member.path.clone(), what });
        }
        self.check_incarnations()?;
        self.check_torn()?;
        self.check_dumps(&first.group)
    }

    fn check_incarnations(&self) -> Result<(), LoadError> {
        let mut present: BTreeMap<IncarnationName, &Path> = BTreeMap::new();
        for member in &self.members {
            if let Some(other) = present.insert(member.name.clone(), &member.path) {
                return Err(LoadError::TwoFiles {
                    name: member.name.clone(),
                    file: member.path.clone(),
                    other: other.to_owned(),
                });
            }
        }
        let mut needed: BTreeMap<IncarnationName, &'static str> = BTreeMap::new();
        for name in present.keys() {
            for incarnation in 1..name.incarnation {
                let before = IncarnationName { member: Arc::clone(&name.member), incarnation };
                needed.insert(before, "a later one is there");
            }
        }
        for event in self.outside.iter().flat_map(|file| &file.lines).map(|line| &line.event) {
            let (name, why) = match event {
                Event::Spawned(name) => (name, "it was launched"),
                Event::Killed(name) => (name, "it was killed"),
                Event::Stopped(name) | Event::Continued(name) => (name, "it was stopped"),
                _ => continue,
            };
            needed.insert(name.clone(), why);
        }
        match needed.into_iter().find(|(name, _)| !present.contains_key(name)) {
            Some((name, why)) => Err(LoadError::MissingIncarnation { name, why }),
            None => Ok(()),
        }
    }

    fn check_torn(&self) -> Result<(), LoadError> {
        for member in &self.members {
            let Some(line) = member.torn else { continue };
            let excused = if member.begin.is_none() {
                self.is_killed(&member.name)
            } else {
                self.is_killed(&member.name) || !member.exited()
            };
            if !excused {
                let file = member.path.clone();
                return Err(LoadError::Torn { file, line, name: member.name.clone() });
            }
        }
        Ok(())
    }

    fn check_dumps(&self, group: &Arc<str>) -> Result<(), LoadError> {
        let mut known: BTreeSet<(&str, i32)> = BTreeSet::new();
        for member in &self.members {
            for line in &member.lines {
                let Event::Assigned(assigned) = &line.event else { continue };
                if !known.insert((&assigned.topic, assigned.partition)) {
                    continue;
                }
                let place = (Arc::clone(&assigned.topic), assigned.partition);
                if !self.topics.contains_key(&place) {
                    let (topic, partition) = place;
                    return Err(LoadError::MissingTopicDump { topic, partition });
                }
            }
        }
        let is_model = self
            .outside
            .iter()
            .flat_map(|file| &file.lines)
            .any(|line| matches!(line.event, Event::Applied(_)));
        if !is_model && !self.offsets.contains_key(group) {
            return Err(LoadError::MissingOffsetsDump { group: Arc::clone(group) });
        }
        Ok(())
    }

    fn is_killed(&self, name: &IncarnationName) -> bool {
        let mut lines = self.outside.iter().flat_map(|file| &file.lines);
        lines.any(|line| matches!(&line.event, Event::Killed(killed) if killed == name))
    }

    fn into_run(self) -> Run {
        let group = self.members.iter().find_map(|member| member.begin.as_ref());
        let group = group.map(|begin| Arc::clone(&begin.group));
        let mut run = merge::merge(self.members, self.outside);
        for (_, dump) in self.topics.into_values() {
            run.add_topic(dump);
        }
        let mut offsets = self.offsets;
        if let Some((_, dump)) = group.and_then(|group| offsets.remove(&group)) {
            run.set_offsets(dump);
        }
        run
    }
}
