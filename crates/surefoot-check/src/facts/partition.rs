//! One partition: its records with their lanes, where the group started, what the coordinator
//! stored.
//!
//! The records are those of the dump and those that a handler was called for: compaction may have
//! removed a record since, and an at-most-once start of it still counts. Only records of the dump
//! are visible; a predicate about loss looks at no others. Offsets have gaps, so a record is
//! addressed by its index, and most logs have none, so the index is guessed before it is searched.

use std::collections::HashMap;
use std::sync::Arc;

use super::{NEVER, Stored};
use crate::history::{Event, ProcessingOrder, TopicDump};
use crate::run::Run;

/// One partition of the run.
#[derive(Debug)]
pub(crate) struct Partition<'a> {
    pub(crate) topic: &'a Arc<str>,
    pub(crate) partition: i32,
    pub(crate) dump: Option<&'a TopicDump>,
    pub(crate) records: Vec<Record>,
    /// Where the group started: offsets below are none of the run's business.
    pub(crate) base: i64,
    /// Every explicit decision to read from elsewhere.
    pub(crate) jumps: Vec<Jump>,
    /// The committed position before the run; the outer `None` when it is not known.
    pub(crate) before: Option<i64>,
    /// What the coordinator stored during the run, in its order.
    pub(crate) stored: Vec<Stored>,
    /// The terms of this partition, in the order in which they began.
    pub(crate) terms: Vec<usize>,
}

/// A record of a partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    /// Records of equal lanes are ordered; [`NEVER`] for a record that stands alone.
    pub(crate) lane: u32,
    /// Index of the record before it in its lane, or [`NEVER`].
    pub(crate) before: u32,
    /// Whether the dump has it.
    pub(crate) visible: bool,
    /// The first entry that made it terminal in a term that was in force, or [`NEVER`].
    pub(crate) terminal: u32,
    /// The first entry that ended a call of it with success, in force or not, or [`NEVER`].
    pub(crate) handled: u32,
    /// How many calls of it started.
    pub(crate) starts: u32,
}

/// An explicit decision to read from elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jump {
    pub(crate) entry: u32,
    pub(crate) to: i64,
    pub(crate) kind: JumpKind,
}

/// What moved the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JumpKind {
    /// A start policy, where nothing was committed.
    Policy,
    /// A seek or a reset.
    Asked,
}

impl Record {
    fn unseen(offset: i64) -> Self {
        Self {
            offset,
            lane: NEVER,
            before: NEVER,
            visible: false,
            terminal: NEVER,
            handled: NEVER,
            starts: 0,
        }
    }

    /// Whether somebody handled or skipped it.
    pub(crate) fn is_done(&self) -> bool {
        self.terminal != NEVER || self.handled != NEVER
    }
}

impl Partition<'_> {
    /// `topic[partition]`.
    pub(crate) fn name(&self) -> String {
        format!("{}[{}]", self.topic, self.partition)
    }

    /// Index of the first record at or above an offset.
    pub(crate) fn at_or_above(&self, offset: i64) -> usize {
        at_or_above(&self.records, offset)
    }

    /// Index of the record with this offset.
    pub(crate) fn index_of(&self, offset: i64) -> Option<usize> {
        let index = self.at_or_above(offset);
        self.records.get(index).filter(|record| record.offset == offset).map(|_| index)
    }

    /// Indices of the visible records in a range of offsets.
    pub(crate) fn visible_between(&self, from: i64, to: i64) -> impl Iterator<Item = usize> + '_ {
        let records = self.at_or_above(from)..self.at_or_above(to);
        records.filter(|&record| self.records[record].visible)
    }

    /// Offset of the first visible record at or above an offset; the end of the log without one.
    pub(crate) fn next_visible(&self, offset: i64) -> i64 {
        self.records[self.at_or_above(offset)..]
            .iter()
            .find(|record| record.visible)
            .map_or_else(|| self.end().max(offset), |record| record.offset)
    }

    /// One past the last offset of the log.
    pub(crate) fn end(&self) -> i64 {
        self.dump.map_or(i64::MAX, |dump| dump.end)
    }

    /// Whether an explicit decision before this entry passed over an offset.
    pub(crate) fn is_passed_over(&self, offset: i64, before: u32) -> bool {
        self.jumps.iter().any(|jump| jump.entry < before && offset < jump.to)
    }

    /// How many seeks and resets before this entry went back to an offset or below it.
    pub(crate) fn jumps_back_to(&self, offset: i64, before: u32) -> usize {
        self.jumps
            .iter()
            .filter(|jump| jump.kind == JumpKind::Asked && jump.entry < before && jump.to <= offset)
            .count()
    }

    /// The committed position at the end of the run.
    pub(crate) fn committed(&self) -> Option<i64> {
        self.stored.last().map_or(self.before, |stored| stored.position)
    }
}

fn at_or_above(records: &[Record], offset: i64) -> usize {
    let Some(first) = records.first() else { return 0 };
    let guess = offset.saturating_sub(first.offset);
    if guess <= 0 {
        return 0;
    }
    match records.get(guess as usize) {
        Some(record) if record.offset == offset => guess as usize,
        _ => records.partition_point(|record| record.offset < offset),
    }
}

/// Finds the index of a partition by its name.
#[derive(Debug, Default)]
pub(crate) struct Partitions<'a> {
    topics: Vec<(&'a Arc<str>, HashMap<i32, usize>)>,
    count: usize,
}

impl<'a> Partitions<'a> {
    /// Index of a partition, if it was named before.
    pub(crate) fn find(&self, topic: &str, partition: i32) -> Option<usize> {
        let (_, numbers) = self.topics.iter().find(|(name, _)| ***name == *topic)?;
        numbers.get(&partition).copied()
    }

    fn number(&mut self, topic: &'a Arc<str>, partition: i32) -> usize {
        let known = self.topics.iter().position(|(name, _)| {
            // The same string nearly always, because readers share it.
            Arc::ptr_eq(name, topic) || ***name == **topic
        });
        let known = known.unwrap_or_else(|| {
            self.topics.push((topic, HashMap::new()));
            self.topics.len() - 1
        });
        let next = self.count;
        let number = *self.topics[known].1.entry(partition).or_insert(next);
        self.count += usize::from(number == next);
        number
    }
}

/// Collects the partitions of a run, their records and lanes, and the partition of each entry.
pub(super) fn collect<'a>(
    run: &'a Run,
    order: ProcessingOrder,
) -> (Partitions<'a>, Vec<Partition<'a>>, Vec<u32>) {
    let mut names = Partitions::default();
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    for dump in run.topics() {
        let number = names.number(&dump.topic, dump.partition);
        draft(&mut drafts, number, &dump.topic, dump.partition).take_dump(dump);
    }
    let mut entry_partition = vec![NEVER; run.entries().len()];
    for (index, entry) in run.entries().iter().enumerate() {
        match &entry.event {
            Event::CommitSent(commit) => {
                for position in &commit.positions {
                    let number = names.number(&position.topic, position.partition);
                    draft(&mut drafts, number, &position.topic, position.partition);
                }
            }
            event => {
                let Some((topic, partition)) = event.topic_partition() else { continue };
                let number = names.number(topic, partition);
                entry_partition[index] = number as u32;
                draft(&mut drafts, number, topic, partition).notice(event);
            }
        }
    }
    let mut lanes = 0;
    let partitions = drafts.into_iter().map(|draft| draft.finish(order, &mut lanes)).collect();
    (names, partitions, entry_partition)
}

fn draft<'d, 'a>(
    drafts: &'d mut Vec<Draft<'a>>,
    number: usize,
    topic: &'a Arc<str>,
    partition: i32,
) -> &'d mut Draft<'a> {
    if number == drafts.len() {
        drafts.push(Draft::new(topic, partition));
    }
    &mut drafts[number]
}

/// A partition while its records are collected.
struct Draft<'a> {
    topic: &'a Arc<str>,
    partition: i32,
    dump: Option<&'a TopicDump>,
    records: Vec<Record>,
    // Records that the dump lacks, and records that have a key only in the history.
    extra: Vec<i64>,
    keys: Vec<(i64, &'a str)>,
}

impl<'a> Draft<'a> {
    fn new(topic: &'a Arc<str>, partition: i32) -> Self {
        Self {
            topic,
            partition,
            dump: None,
            records: Vec::new(),
            extra: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn take_dump(&mut self, dump: &'a TopicDump) {
        self.dump = Some(dump);
        self.records = dump
            .records
            .iter()
            .map(|record| Record { visible: true, ..Record::unseen(record.offset) })
            .collect();
    }

    fn notice(&mut self, event: &'a Event) {
        match event {
            Event::Started(started) => {
                let found = self.need(started.offset);
                self.need(started.last.unwrap_or(started.offset));
                let dumped = found.zip(self.dump).map(|(index, dump)| &dump.records[index].key);
                if let (Some(key), None | Some(None)) = (&started.key, dumped) {
                    self.keys.push((started.offset, key));
                }
            }
            Event::Ended(ended) => {
                self.need(ended.offset);
                self.need(ended.last.unwrap_or(ended.offset));
            }
            _ => {}
        }
    }

    /// Index of the dumped record, or makes sure that one without a dump is added.
    fn need(&mut self, offset: i64) -> Option<usize> {
        let index = at_or_above(&self.records, offset);
        let found = self.records.get(index).is_some_and(|record| record.offset == offset);
        if !found {
            self.extra.push(offset);
        }
        found.then_some(index)
    }

    fn finish(mut self, order: ProcessingOrder, lanes: &mut u32) -> Partition<'a> {
        self.extra.sort_unstable();
        self.extra.dedup();
        self.records.extend(self.extra.iter().map(|&offset| Record::unseen(offset)));
        if !self.extra.is_empty() {
            self.records.sort_unstable_by_key(|record| record.offset);
        }
        match order {
            ProcessingOrder::Partition => self.one_lane(lanes),
            ProcessingOrder::Key => self.lanes_by_key(lanes),
            ProcessingOrder::Unordered => {}
        }
        Partition {
            topic: self.topic,
            partition: self.partition,
            dump: self.dump,
            records: self.records,
            base: i64::MIN,
            jumps: Vec::new(),
            before: None,
            stored: Vec::new(),
            terms: Vec::new(),
        }
    }

    fn one_lane(&mut self, lanes: &mut u32) {
        for (index, record) in self.records.iter_mut().enumerate() {
            record.lane = *lanes;
            record.before = (index as u32).wrapping_sub(1);
        }
        *lanes += 1;
    }

    fn lanes_by_key(&mut self, lanes: &mut u32) {
        let mut keys: Vec<(i64, &'a str)> = std::mem::take(&mut self.keys);
        if let Some(dump) = self.dump {
            keys.extend(
                dump.records
                    .iter()
                    .filter_map(|record| record.key.as_deref().map(|key| (record.offset, key))),
            );
        }
        keys.sort_by_key(|&(offset, _)| offset);
        let mut by_key: HashMap<&str, (u32, u32)> = HashMap::new();
        for (offset, key) in keys {
            let index = at_or_above(&self.records, offset);
            if self.records[index].lane != NEVER {
                continue;
            }
            let (lane, before) = by_key.entry(key).or_insert_with(|| {
                *lanes += 1;
                (*lanes - 1, NEVER)
            });
            self.records[index].lane = *lane;
            self.records[index].before = *before;
            *before = index as u32;
        }
    }
}
