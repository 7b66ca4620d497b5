//! Puts the lines of all files into one order.
//!
//! The lines of one file stay in the file's order; between files the clock decides. A clock that
//! steps back within a file is taken to stand still until it has caught up. A kill is noted by the
//! killer's own clock, perhaps before the kernel lets the victim's last line through, so it is
//! moved behind that line. A process that neither exited nor is known to be killed has died all the
//! same: that is made explicit.

use std::collections::BTreeMap;

use super::file::{MemberFile, OutsideFile};
use crate::history::{Event, IncarnationName, Line};
use crate::run::{Run, Source, SourceId};

struct Placed {
    order: u64,
    source: SourceId,
    line: u32,
    at: u64,
    event: Event,
}

/// Merges the files into a run.
pub(super) fn merge(members: Vec<MemberFile>, outside: Vec<OutsideFile>) -> Run {
    let mut run = Run::new();
    let count = members.iter().map(|member| member.lines.len()).sum::<usize>()
        + outside.iter().map(|file| file.lines.len()).sum::<usize>();
    let mut placed: Vec<Placed> = Vec::with_capacity(count + members.len());
    let mut ends: BTreeMap<IncarnationName, u64> = BTreeMap::new();
    let mut died: Vec<IncarnationName> = Vec::new();
    for member in members {
        let exited = member.exited();
        let Some(begin) = member.begin else { continue };
        let source = run.add_source(Source::Incarnation(Box::new(begin)));
        let end = place(&mut placed, source, member.lines);
        ends.insert(member.name.clone(), end);
        if !exited {
            died.push(member.name);
        }
    }
    for file in outside {
        let name = file.path.file_name().unwrap_or(file.path.as_os_str()).to_string_lossy();
        let source = run.outside(&name);
        let from = placed.len();
        place(&mut placed, source, file.lines);
        for line in &mut placed[from..] {
            let Event::Killed(name) = &line.event else { continue };
            died.retain(|waiting| waiting != name);
            line.order = line.order.max(ends.get(name).copied().unwrap_or(0));
        }
    }
    if !died.is_empty() {
        let source = run.outside("no exit on record");
        for (line, name) in (1..).zip(died) {
            let at = ends[&name];
            let event = Event::Killed(name);
            placed.push(Placed { order: at, source, line, at, event });
        }
    }
    // Stable: lines of one file keep their order, and a kill comes after the victim's last line.
    placed.sort_by_key(|placed| placed.order);
    run.reserve(placed.len());
    for Placed { source, line, at, event, .. } in placed {
        run.push_line(source, line, at, event);
    }
    run
}

/// Appends the lines of one file; returns where its last one stands.
fn place(placed: &mut Vec<Placed>, source: SourceId, lines: Vec<Line>) -> u64 {
    let mut order = 0;
    placed.extend((1..).zip(lines).map(|(line, Line { at, event })| {
        order = at.max(order);
        Placed { order, source, line, at, event }
    }));
    order
}
