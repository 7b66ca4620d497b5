//! The history of a run, as the judge reads it, and the trace, as people do.
//!
//! Events go into one list in the order in which they happened, whoever had them. Beside it a hash
//! runs over everything that happens, so that two runs of a seed can be compared by one number.

use std::collections::BTreeMap;
use std::sync::Arc;

use surefoot_check::history::{Begin, Event};
use surefoot_check::{Run, SourceId};

use crate::fabric::{ProcessId, WALL_ORIGIN_MS};
use crate::schedule::Micros;

/// Whether a run is printed while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// Only the history is kept.
    Off,
    /// Every input, output and event is written to standard error.
    On,
}

/// Keeps what happened.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) run: Run,
    outside: SourceId,
    sources: BTreeMap<ProcessId, SourceId>,
    members: Vec<Arc<str>>,
    keys: Vec<Arc<str>>,
    tracing: Tracing,
    hash: u64,
}

impl Recorder {
    pub(crate) fn new(tracing: Tracing) -> Self {
        let mut run = Run::new();
        let outside = run.outside("world");
        Self {
            run,
            outside,
            sources: BTreeMap::new(),
            members: (1..=8).map(|number| format!("m{number}").into()).collect(),
            keys: (0..64).map(|number| format!("k{number}").into()).collect(),
            tracing,
            hash: 0,
        }
    }

    pub(crate) fn member_name(&self, member: u16) -> Arc<str> {
        Arc::clone(&self.members[usize::from(member)])
    }

    pub(crate) fn key_name(&self, key: u32) -> Arc<str> {
        Arc::clone(&self.keys[key as usize])
    }

    pub(crate) fn begin(&mut self, now: Micros, process: ProcessId, begin: Begin) {
        self.trace(now, || format!("{process} begins"));
        let source = self.run.begin(at(now), begin);
        self.sources.insert(process, source);
    }

    pub(crate) fn record(&mut self, now: Micros, process: Option<ProcessId>, event: Event) {
        if self.tracing == Tracing::On {
            let who = process.map_or_else(|| "world".to_owned(), |process| process.to_string());
            let line = surefoot_check::history::Line { at: 0, event: event.clone() }.to_json();
            let line = line.trim_start_matches("{\"at\":0,\"event\":").trim_end_matches('}');
            self.trace(now, || format!("{who} = {line}"));
        }
        self.mix(self.run.entries().len() as u64);
        let source = process.map_or(self.outside, |process| self.sources[&process]);
        self.run.push(source, at(now), event);
    }

    pub(crate) fn trace(&self, now: Micros, line: impl FnOnce() -> String) {
        if self.tracing == Tracing::On {
            eprintln!("{:>12.6} {}", now as f64 / 1e6, line());
        }
    }

    pub(crate) fn mix(&mut self, value: u64) {
        self.hash = (self.hash.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// A moment as histories write it.
fn at(now: Micros) -> u64 {
    WALL_ORIGIN_MS as u64 * 1_000 + now
}

impl std::fmt::Display for ProcessId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "m{}-{}", self.member + 1, self.incarnation)
    }
}
