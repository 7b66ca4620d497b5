//! P30, a stop is orderly and in time.
//!
//! Exit code 0 is a claim: nothing runs, what was finished is committed, the group was told. A
//! process that cannot say so must exit with another code, and either way by the deadline: a
//! process that hangs is killed by whoever started it, and then nothing is orderly. A second signal
//! means now.

use super::at_least_once::frontier;
use super::ending::{Ended, how_it_ended};
use crate::facts::{Commit, Ending, Facts, Incarnation, NEVER, Term};
use crate::findings::{Evidence, Findings};
use crate::history::{Event, Guarantee};
use crate::verdict::Predicate::P30;

pub(super) fn judge(facts: &Facts<'_>, findings: &mut Findings) {
    findings.judged(P30);
    for (source, incarnation) in facts.incarnations.iter().enumerate() {
        let Some(incarnation) = incarnation else { continue };
        in_time(facts, incarnation, findings);
        if let Some((exit, 0)) = incarnation.exited {
            orderly(facts, source, incarnation, exit, findings);
        }
    }
}

fn in_time(facts: &Facts<'_>, incarnation: &Incarnation<'_>, findings: &mut Findings) {
    let slack = facts.promise.exit_slack_ms * 1_000;
    let exit = incarnation.exited;
    let (ended, ended_at) = match incarnation.ended() {
        Some(entry) => (Some(entry), facts.at(entry)),
        None => (None, facts.end_at()),
    };
    for &(signal, nth) in &incarnation.signals {
        let at = facts.at(signal);
        let took =
            ended_at.saturating_sub(at).saturating_sub(incarnation.stopped_between(at, ended_at));
        let drain = incarnation.begin.drain_deadline_ms * 1_000;
        let may = if nth >= 2 { slack } else { drain + slack };
        let name = incarnation.begin.name();
        let message = if took > may {
            let ms = took / 1_000;
            format!("{name} did not exit within {} ms of signal {nth}: {ms} ms", may / 1_000)
        } else if nth >= 2 && exit.is_some_and(|(_, code)| code == 0) {
            format!("{name} exited with code 0 after signal {nth}")
        } else {
            continue;
        };
        findings.report(P30, || {
            (message, [signal].into_iter().chain(ended).map(Evidence::Entry).collect())
        });
    }
}

fn orderly(
    facts: &Facts<'_>,
    source: usize,
    incarnation: &Incarnation<'_>,
    exit: u32,
    findings: &mut Findings,
) {
    let name = incarnation.begin.name();
    if let Event::Exited(exited) = &facts.entry(exit).event
        && exited.unfinished > 0
    {
        findings.report(P30, || {
            let message = format!("{name} exited with code 0 and {} unfinished", exited.unfinished);
            (message, vec![Evidence::Entry(exit)])
        });
    }
    if incarnation.left.is_none_or(|left| left > exit) {
        findings.report(P30, || {
            let message = format!("{name} exited with code 0 without leaving the group");
            (message, vec![Evidence::Entry(exit)])
        });
    }
    for flight in &facts.flights {
        let runs = facts.terms[flight.term].source == source && flight.end.is_none_or(|e| e > exit);
        if !runs {
            continue;
        }
        findings.report(P30, || {
            let term = &facts.terms[flight.term];
            let offset = facts.offset(term.partition, flight.first);
            let message =
                format!("{name} exited with code 0 while {}@{offset} ran", facts.name_of(term));
            (message, vec![Evidence::Entry(flight.start), Evidence::Entry(exit)])
        });
    }
    if facts.promise.guarantee == Guarantee::AtLeastOnce {
        for &term in &incarnation.terms {
            committed(facts, incarnation, &facts.terms[term], exit, findings);
        }
    }
}

/// Whether a term was given back although it could commit no more: its drain had run out of time,
/// or the group refused its last commit.
fn given_up_in_vain(facts: &Facts<'_>, term: &Term<'_>) -> bool {
    let revoked = term.revoking.is_some() && term.end.is_some_and(|end| end.how == Ending::Revoked);
    let last = term.commits.last().map(|&commit| &facts.commits[commit]);
    revoked && (how_it_ended(facts, term) == Ended::Badly || last.is_some_and(Commit::is_refused))
}

/// What was finished below the frontier is committed when the process leaves.
fn committed(
    facts: &Facts<'_>,
    incarnation: &Incarnation<'_>,
    term: &Term<'_>,
    exit: u32,
    findings: &mut Findings,
) {
    let stop = incarnation.signals.first().map_or(exit, |&(entry, _)| entry);
    let held_at_stop = term.end.is_some_and(|end| {
        matches!(end.how, Ending::Exited(_)) || (end.how == Ending::Revoked && end.entry > stop)
    });
    if !held_at_stop || given_up_in_vain(facts, term) {
        return;
    }
    let commits = term.commits.iter().map(|&commit| &facts.commits[commit]);
    let acknowledged = commits
        .filter(|commit| commit.acknowledged() != NEVER)
        .map(|commit| commit.position)
        .max()
        .or_else(|| term.position());
    let Some(acknowledged) = acknowledged else { return };
    let partition = facts.partition_of(term);
    // A record that waited out a pause may be gone from the log, and nobody names it then.
    let may_be_gone = partition.dump.is_some_and(|dump| acknowledged < dump.log_start);
    if may_be_gone && (term.is_held() || term.drained_paused) {
        return;
    }
    let mut uncommitted = partition.at_or_above(acknowledged)..frontier(partition, term);
    let Some(record) = uncommitted.find(|&record| partition.records[record].visible) else {
        return;
    };
    findings.report(P30, || {
        let message = format!(
            "{} exited with code 0 and {}@{} of term {} handled and not committed, only to \
             {acknowledged}",
            incarnation.begin.name(),
            partition.name(),
            partition.records[record].offset,
            term.number
        );
        let handled = term.slot(record).terminal;
        let known = [handled, exit].into_iter().filter(|&entry| entry != NEVER);
        (message, known.map(Evidence::Entry).collect())
    });
}
