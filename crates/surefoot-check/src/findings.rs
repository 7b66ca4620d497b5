//! Collects what the predicates find, and shows it in the words of the history.
//!
//! A broken run can break a predicate a million times, so texts are made for the first few only and
//! the rest is counted.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::history::Event;
use crate::verdict::{NotJudged, Predicate, SHOWN_PER_PREDICATE, ShownEvent, Violation};

/// What the predicates found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) judged: Vec<Predicate>,
    pub(crate) not_judged: Vec<NotJudged>,
    pub(crate) counts: BTreeMap<Predicate, u64>,
    found: Vec<Found>,
}

/// Something that shows a violation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Evidence {
    /// An event.
    Entry(u32),
    /// A stored position: partition and index.
    Stored(usize, usize),
}

#[derive(Debug)]
struct Found {
    predicate: Predicate,
    message: String,
    evidence: Vec<Evidence>,
}

impl Findings {
    /// Notes that a predicate is judged.
    pub(crate) fn judged(&mut self, predicate: Predicate) {
        self.judged.push(predicate);
    }

    /// Notes that a predicate cannot be judged.
    pub(crate) fn not_judged(&mut self, predicate: Predicate, why: &'static str) {
        self.not_judged.push(NotJudged { predicate, why });
    }

    /// Notes a violation. The text is asked for only if it will be shown.
    pub(crate) fn report(
        &mut self,
        predicate: Predicate,
        show: impl FnOnce() -> (String, Vec<Evidence>),
    ) {
        let count = self.counts.entry(predicate).or_insert(0);
        *count += 1;
        if *count <= SHOWN_PER_PREDICATE as u64 {
            let (message, evidence) = show();
            self.found.push(Found { predicate, message, evidence });
        }
    }

    /// The violations, in order of predicates.
    pub(crate) fn violations(&mut self, facts: &Facts<'_>) -> Vec<Violation> {
        self.found.sort_by_key(|found| found.predicate);
        self.found
            .drain(..)
            .map(|found| Violation {
                predicate: found.predicate,
                title: found.predicate.title(),
                message: found.message,
                events: found.evidence.iter().map(|&evidence| show(facts, evidence)).collect(),
            })
            .collect()
    }
}

fn show(facts: &Facts<'_>, evidence: Evidence) -> ShownEvent {
    let index = match evidence {
        Evidence::Entry(index) => index,
        Evidence::Stored(partition, stored) => {
            let partition = &facts.partitions[partition];
            let stored = &partition.stored[stored];
            match stored.entry {
                Some(index) => index,
                None => {
                    let text = match stored.position {
                        Some(position) => {
                            format!("stored {} position {position}", partition.name())
                        }
                        None => format!("deleted {}", partition.name()),
                    };
                    return ShownEvent {
                        source: "dump of the group's offsets".into(),
                        line: stored.dump_line,
                        at: stored.at,
                        index: None,
                        text,
                    };
                }
            }
        }
    };
    let entry = facts.entry(index);
    ShownEvent {
        source: facts.run.sources()[entry.source.index()].to_string(),
        line: entry.line,
        at: entry.at,
        index: Some(u64::from(index)),
        text: text(&entry.event),
    }
}

/// An event in one line: its name, its coordinates, and what it says.
fn text(event: &Event) -> String {
    let place = |offset: i64| match (event.topic_partition(), event.term()) {
        (Some((topic, partition)), Some(term)) => {
            format!("{topic}[{partition}]@{offset} term {term}")
        }
        (Some((topic, partition)), None) => format!("{topic}[{partition}]@{offset}"),
        _ => String::new(),
    };
    let range = |first: i64, last: Option<i64>| match last {
        Some(last) if last != first => {
            place(first).replacen(&format!("@{first}"), &format!("@{first}..={last}"), 1)
        }
        _ => place(first),
    };
    let name = event.name();
    match event {
        Event::StartKnown(e) => {
            let committed = e.committed.map_or_else(|| "nothing".to_owned(), |c| c.to_string());
            format!("{name} {} by {:?}, committed {committed}", place(e.position), e.reason)
        }
        Event::Seek(e) => match e.position {
            Some(position) => {
                format!("{name} {} to {position}, new term {}", event_place(event), e.new_term)
            }
            None => format!("{name} {}, new term {}", event_place(event), e.new_term),
        },
        Event::Reset(e) => {
            format!("{name} {} from {} to {}: {}", event_place(event), e.from, e.to, e.why)
        }
        Event::Delivered(e) => {
            format!("{name} {}, {} records", range(e.first, Some(e.last)), e.count)
        }
        Event::Started(e) => {
            let key = e.key.as_deref().map_or(String::new(), |key| format!(" key {key}"));
            format!("{name} {} attempt {}{key}", range(e.offset, e.last), e.attempt)
        }
        Event::Ended(e) => {
            format!("{name} {} attempt {}: {:?}", range(e.offset, e.last), e.attempt, e.result)
        }
        Event::Skipped(e) => format!("{name} {}: {}", range(e.offset, e.last), e.why),
        Event::Stale(e) => {
            format!("{name} {}: state {:x} became {:x}", place(e.offset), e.before, e.after)
        }
        Event::Paused(e) | Event::Resumed(e) => {
            format!("{name} {} {:?}", event_place(event), e.reason)
        }
        Event::CommitSent(e) => {
            let positions = e.positions.iter().map(|p| {
                format!(" {}[{}] position {} term {}", p.topic, p.partition, p.position, p.term)
            });
            format!("{name} {}:{}", e.commit, positions.collect::<Vec<_>>().join(","))
        }
        Event::CommitEnded(e) => {
            let results = e.results.iter().map(|r| {
                format!(" {}[{}] position {} {:?}", r.topic, r.partition, r.position, r.outcome)
            });
            format!("{name} {}:{}", e.commit, results.collect::<Vec<_>>().join(","))
        }
        Event::Applied(e) => match e.position {
            Some(position) => format!("{name} {}[{}] position {position}", e.topic, e.partition),
            None => format!("{name} {}[{}]: deleted", e.topic, e.partition),
        },
        Event::Produced(e) => format!("{name} {}", place(e.offset)),
        Event::Gauge(e) => format!(
            "{name} {} running, {} records and {} bytes buffered",
            e.running, e.buffered_records, e.buffered_bytes
        ),
        Event::Signal(e) => format!("{name} {}, number {} of them", e.number, e.nth),
        Event::Exited(e) => format!("{name} {} ({}), {} unfinished", e.code, e.why, e.unfinished),
        Event::Spawned(e) | Event::Killed(e) | Event::Stopped(e) | Event::Continued(e) => {
            format!("{name} {e}")
        }
        Event::Begin(e) => format!("{name} {} in group {}, {}", e.name(), e.group, e.guarantee),
        Event::Assigned(_) | Event::Revoking(_) | Event::Revoked(_) | Event::Lost(_) => {
            format!("{name} {}", event_place(event))
        }
        Event::Left(_) | Event::Healed(_) => name.to_owned(),
    }
}

/// `topic[partition] term n` of an event that has them.
fn event_place(event: &Event) -> String {
    match (event.topic_partition(), event.term()) {
        (Some((topic, partition)), Some(term)) => format!("{topic}[{partition}] term {term}"),
        _ => String::new(),
    }
}
