//! What the coordinator stored, from `applied` events or from the dump of `__consumer_offsets`.
//!
//! Events stand in the run's own order and name the commit that they applied. A dump has an order
//! of its own and a time in milliseconds, so a stored position is matched to a commit that asked
//! for it.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Commit, Jump, JumpKind, Partition, Partitions};
use crate::history::{Event, OffsetsDump};
use crate::promise::{ForeignCommits, Promise};
use crate::run::{Run, Source};

/// A position that the coordinator stored.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The `applied` entry; `None` for a line of the dump.
    pub(crate) entry: Option<u32>,
    /// Line of the dump, from 1, the header included; 0 for an event.
    pub(crate) dump_line: u32,
    pub(crate) at: u64,
    /// `None` when it was deleted.
    pub(crate) position: Option<i64>,
    /// The commit that asked for it.
    pub(crate) commit: Option<usize>,
    /// Id of the topic for which it was stored.
    pub(crate) topic_id: Option<Arc<str>>,
}

/// Fills in what was stored for each partition; says whether anything is known about it.
pub(super) fn fill(
    run: &Run,
    promise: &Promise,
    names: &Partitions<'_>,
    commits: &[Commit],
    partitions: &mut [Partition<'_>],
) -> bool {
    let mut any_event = false;
    let mut by_id: Option<HashMap<(usize, u64, usize), usize>> = None;
    for (index, entry) in run.entries().iter().enumerate() {
        let Event::Applied(applied) = &entry.event else { continue };
        any_event = true;
        let by_id = by_id.get_or_insert_with(|| {
            commits
                .iter()
                .enumerate()
                .rev()
                .map(|(i, c)| ((c.source, c.id, c.partition), i))
                .collect()
        });
        let partition = names
            .find(&applied.topic, applied.partition)
            .expect("partitions of all events were collected");
        let commit = named_source(run, applied.member.as_deref(), applied.incarnation)
            .zip(applied.commit)
            .and_then(|(source, id)| by_id.get(&(source, id, partition)).copied());
        partitions[partition].stored.push(Stored {
            entry: Some(index as u32),
            dump_line: 0,
            at: entry.at,
            position: applied.position,
            commit,
            topic_id: applied.topic_id.clone(),
        });
    }
    if !any_event && let Some(dump) = run.offsets() {
        fill_from_dump(run, promise, names, commits, partitions, dump);
    }
    if promise.foreign_commits == ForeignCommits::Allowed {
        partitions.iter_mut().for_each(excuse_foreign_work);
    }
    any_event || run.offsets().is_some()
}

/// What another program committed, it answers for: nobody of this run needs to have handled it.
fn excuse_foreign_work(partition: &mut Partition<'_>) {
    let foreign = partition.stored.iter().filter(|stored| stored.commit.is_none());
    if let Some(to) = foreign.filter_map(|stored| stored.position).max() {
        partition.jumps.push(Jump { entry: 0, to, kind: JumpKind::Policy });
    }
}

fn named_source(run: &Run, member: Option<&str>, incarnation: Option<u32>) -> Option<usize> {
    let (member, incarnation) = member.zip(incarnation)?;
    run.sources().iter().position(|source| match source {
        Source::Incarnation(begin) => begin.incarnation == incarnation && *begin.member == *member,
        Source::Outside(_) => false,
    })
}

fn fill_from_dump(
    run: &Run,
    promise: &Promise,
    names: &Partitions<'_>,
    commits: &[Commit],
    partitions: &mut [Partition<'_>],
    dump: &OffsetsDump,
) {
    let mut asked: HashMap<(usize, i64), Vec<usize>> = HashMap::new();
    for (index, commit) in commits.iter().enumerate() {
        asked.entry((commit.partition, commit.position)).or_default().push(index);
    }
    let began = run.entries().first().map_or(0, |entry| entry.at);
    let slack = promise.clock_slack_ms * 1_000;
    for (index, line) in dump.commits.iter().enumerate() {
        let Some(partition) = names.find(&line.topic, line.partition) else { continue };
        let candidates = line.position.and_then(|position| asked.get(&(partition, position)));
        // Kafka keeps milliseconds: what was stored in the run's first one may look older.
        if line.at + 1_000 < began {
            partitions[partition].before = line.position;
            continue;
        }
        let commit = candidates.map(|candidates| {
            let sent_by = candidates.partition_point(|&candidate| {
                run.entries()[commits[candidate].sent as usize].at <= line.at + slack
            });
            candidates[sent_by.saturating_sub(1)]
        });
        partitions[partition].stored.push(Stored {
            entry: None,
            dump_line: index as u32 + 2,
            at: line.at,
            position: line.position,
            commit,
            topic_id: None,
        });
    }
}
