//! How an event reads in a report: its name, its coordinates, and what it says.
//!
//! One line, because a violation shows several events and the eye compares them. Coordinates are
//! written `topic[partition]@offset term n` everywhere, so that they can be searched for.

use std::sync::Arc;

use crate::history::{CommitPosition, CommitResult, Event};

/// An event in one line.
pub(crate) fn text(event: &Event) -> String {
    let name = event.name();
    let place = place(event);
    match event {
        Event::StartKnown(e) => {
            let committed = e.committed.map_or_else(|| "nothing".to_owned(), |c| c.to_string());
            let reason = e.reason;
            format!("{name} {place} at {} by {reason:?}, committed {committed}", e.position)
        }
        Event::Seek(e) => match e.position {
            Some(position) => format!("{name} {place} to {position}, new term {}", e.new_term),
            None => format!("{name} {place}, new term {}", e.new_term),
        },
        Event::Reset(e) => format!("{name} {place} from {} to {}: {}", e.from, e.to, e.why),
        Event::Delivered(e) => format!("{name} {place}, {} records", e.count),
        Event::Started(e) => match &e.key {
            Some(key) => format!("{name} {place} attempt {} key {key}", e.attempt),
            None => format!("{name} {place} attempt {}", e.attempt),
        },
        Event::Ended(e) => format!("{name} {place} attempt {}: {:?}", e.attempt, e.result),
        Event::Skipped(e) => format!("{name} {place}: {}", e.why),
        Event::Stale(e) => {
            format!("{name} {place}: state {:x} became {:x}", e.before, e.after)
        }
        Event::Paused(e) | Event::Resumed(e) => format!("{name} {place} {:?}", e.reason),
        Event::CommitSent(e) => format!("{name} {}: {}", e.commit, list(&e.positions, asked)),
        Event::CommitEnded(e) => format!("{name} {}: {}", e.commit, list(&e.results, answered)),
        Event::Applied(e) => match e.position {
            Some(position) => format!("{name} {place} position {position}"),
            None => format!("{name} {place}: deleted"),
        },
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
            format!("{name} {place}")
        }
        Event::Produced(_) => format!("{name} {place}"),
        Event::Left(_) | Event::Healed(_) => name.to_owned(),
    }
}

/// `topic[partition]@offset term n`, as far as the event has them.
fn place(event: &Event) -> String {
    let Some((topic, partition)) = event.topic_partition() else { return String::new() };
    let mut place = named(topic, partition);
    if let Some((first, last)) = offsets(event) {
        place += &format!("@{first}");
        if first != last {
            place += &format!("..={last}");
        }
    }
    if let Some(term) = event.term() {
        place += &format!(" term {term}");
    }
    place
}

fn named(topic: &Arc<str>, partition: i32) -> String {
    format!("{topic}[{partition}]")
}

/// The first and the last record that an event is about.
fn offsets(event: &Event) -> Option<(i64, i64)> {
    match event {
        Event::Delivered(e) => Some((e.first, e.last)),
        Event::Started(e) => Some((e.offset, e.last.unwrap_or(e.offset))),
        Event::Ended(e) => Some((e.offset, e.last.unwrap_or(e.offset))),
        Event::Skipped(e) => Some((e.offset, e.last.unwrap_or(e.offset))),
        Event::Stale(e) => Some((e.offset, e.offset)),
        Event::Produced(e) => Some((e.offset, e.offset)),
        _ => None,
    }
}

fn list<T>(items: &[T], word: fn(&T) -> String) -> String {
    items.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn asked(asked: &CommitPosition) -> String {
    let place = named(&asked.topic, asked.partition);
    format!("{place} position {} term {}", asked.position, asked.term)
}

fn answered(answer: &CommitResult) -> String {
    let place = named(&answer.topic, answer.partition);
    match &answer.error {
        Some(error) => {
            format!("{place} position {} {:?} ({error})", answer.position, answer.outcome)
        }
        None => format!("{place} position {} {:?}", answer.position, answer.outcome),
    }
}
