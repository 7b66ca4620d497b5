//! One run of a consumer group: all its events in one order, and what the log and the group held.
//!
//! A run is either read from files or filled while a simulation goes on; both end as one list of
//! entries in total order. Each entry remembers the source it came from, and the entries of one
//! source are in the order of that source, so a line number can be found again when a violation has
//! to be shown.

use std::fmt;

use crate::history::{Begin, Event, IncarnationName, OffsetsDump, TopicDump};

/// All that is known about one run.
#[derive(Debug, Clone, Default)]
pub struct Run {
    sources: Vec<Source>,
    // Invariant: one element a source; how many entries it has.
    lines: Vec<u32>,
    entries: Vec<Entry>,
    topics: Vec<TopicDump>,
    offsets: Option<OffsetsDump>,
}

/// An event with where and when it was written.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who wrote it.
    pub source: SourceId,
    /// Which of the source's lines it is, from 1.
    pub line: u32,
    /// When, in microseconds. Entries are in the order of the run, which decides between equals.
    pub at: u64,
    /// What happened.
    pub event: Event,
}

/// Names a source of events within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// Somebody who writes events.
#[derive(Debug, Clone)]
pub enum Source {
    /// An incarnation of a member, with the promise that it began with.
    Incarnation(Box<Begin>),
    /// An observer: a harness or a model, by the name of its file.
    Outside(Box<str>),
}

impl Run {
    /// A run without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an incarnation and its first line.
    pub fn begin(&mut self, at: u64, begin: Begin) -> SourceId {
        let source = self.add_source(Source::Incarnation(Box::new(begin.clone())));
        self.push(source, at, Event::Begin(Box::new(begin)));
        source
    }

    /// Adds an observer.
    pub fn outside(&mut self, name: &str) -> SourceId {
        self.add_source(Source::Outside(name.into()))
    }

    /// Adds the next event of the run. The order of calls is the order of the run.
    pub fn push(&mut self, source: SourceId, at: u64, event: Event) {
        let line = self.lines[source.index()] + 1;
        self.push_line(source, line, at, event);
    }

    pub(crate) fn reserve(&mut self, entries: usize) {
        self.entries.reserve(entries);
    }

    /// Adds the next event of the run with the line that it has in its file.
    pub(crate) fn push_line(&mut self, source: SourceId, line: u32, at: u64, event: Event) {
        self.lines[source.index()] = line;
        self.entries.push(Entry { source, line, at, event });
    }

    /// Adds the dump of a partition.
    pub fn add_topic(&mut self, dump: TopicDump) {
        self.topics.push(dump);
    }

    /// Sets the dump of the group's committed positions. Where the run has `applied` events, they
    /// are used and the dump is not.
    pub fn set_offsets(&mut self, dump: OffsetsDump) {
        self.offsets = Some(dump);
    }

    /// The events in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The sources; a [`SourceId`] is an index into them.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The dumped partitions.
    pub fn topics(&self) -> &[TopicDump] {
        &self.topics
    }

    /// The dump of the group's committed positions.
    pub fn offsets(&self) -> Option<&OffsetsDump> {
        self.offsets.as_ref()
    }

    /// What each incarnation was told to do.
    pub fn begins(&self) -> impl Iterator<Item = (SourceId, &Begin)> {
        self.sources.iter().enumerate().filter_map(|(index, source)| match source {
            Source::Incarnation(begin) => Some((SourceId(index as u32), &**begin)),
            Source::Outside(_) => None,
        })
    }

    pub(crate) fn add_source(&mut self, source: Source) -> SourceId {
        self.sources.push(source);
        self.lines.push(0);
        SourceId(self.sources.len() as u32 - 1)
    }
}

impl SourceId {
    /// Index into [`Run::sources`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Begin {
    /// Member and incarnation.
    pub fn name(&self) -> IncarnationName {
        IncarnationName { member: self.member.clone(), incarnation: self.incarnation }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incarnation(begin) => write!(f, "{}-{}", begin.member, begin.incarnation),
            Self::Outside(name) => f.write_str(name),
        }
    }
}
