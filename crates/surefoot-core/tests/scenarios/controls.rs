//! What an application asks for while the consumer runs.

use surefoot_core::*;

use super::harness::*;

fn at(position: i64) -> Control {
    Control::CommitAt(vec![(p(0), Position::new(position))])
}

#[test]
fn commit_at_skips_what_did_not_start() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    h.done(term, 0);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Done(()));
    h.done(term, 1);
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Done(()));
    assert_eq!(h.delivered(), [0, 1, 2]);
    let running = h.control(at(4));
    let refusal = ControlRefusal::Running(p(0), Offset::new(2));
    assert_eq!(h.answer(running), Answer::Refused(refusal));
    let below = h.control(at(1));
    let refusal = ControlRefusal::BelowCommitted(p(0), Position::new(2));
    assert_eq!(h.answer(below), Answer::Refused(refusal));
    let above = h.control(at(5));
    let refusal = ControlRefusal::AboveRead(p(0), Position::new(4));
    assert_eq!(h.answer(above), Answer::Refused(refusal));
}

#[test]
fn commit_at_within_a_batch_delivers_what_is_left_of_it() {
    let batches = EngineConfig { delivery_unit: DeliveryUnit::Batch, ..eager() };
    let (mut h, term) = Harness::started(batches);
    h.control(Control::Pause(vec![p(0)]));
    h.fetch(term, &[(1, 1), (2, 1), (3, 1)]);
    h.control(Control::CommitAt(vec![(p(0), Position::new(2))]));
    h.control(Control::Resume(vec![p(0)]));
    let deliver = h.take().into_iter().find_map(|output| match output {
        Output::Deliver(deliver) => Some(deliver),
        _ => None,
    });
    let Deliver { first, last, count, .. } = deliver.expect("the rest of the batch");
    assert_eq!((first, last, count), (Offset::new(2), Offset::new(3), 2));
    h.end_range(term, 2, 3, HandlerOutcome::Done);
    h.fetch(term, &[(4, 1)]);
    assert_eq!(h.delivered(), [4], "the batch gave its lane back");
}

#[test]
fn commit_at_over_waiting_records_commits_and_names_the_skip() {
    let (mut h, term) = Harness::started(eager());
    h.control(Control::Pause(vec![p(0)]));
    h.fetch(term, &[(0, 1), (1, 1), (2, 1)]);
    let asked = h.control(at(2));
    let (commit, position) = h.commit();
    assert_eq!(position, 2);
    h.commit_ended(commit, Outcome::Done(()));
    assert_eq!(h.answer(asked), Answer::Committed);
    let skipped = Output::Skipped {
        term,
        from: Position::new(0),
        to: Position::new(2),
        reason: SkipReason::CommitAt,
    };
    assert!(h.take().contains(&skipped));
    h.control(Control::Resume(vec![p(0)]));
    assert_eq!(h.delivered(), [2]);
}

#[test]
fn a_seek_on_a_partition_that_is_asked_back_is_refused() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.input(Input::Revoked(vec![p(0)]));
    let sought = h.control(Control::Seek(p(0), SeekTo::Position(Position::new(5))));
    assert_eq!(h.answer(sought), Answer::Refused(ControlRefusal::NotAssigned(p(0))));
    assert_eq!(h.engine.term_of(&p(0)), Some(term));
}

#[test]
fn row_010_a_commit_that_meets_the_end_of_its_term_is_no_error() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    let asked = h.control(Control::Commit(vec![p(0)]));
    h.input(Input::Lost(vec![p(0)]));
    let (commit, _) = h.commit();
    h.commit_ended(commit, Outcome::Refused(Refusal::Fenced));
    assert_eq!(h.answer(asked), Answer::TermEnded);
}

#[test]
fn a_commit_without_an_answer_is_unknown_after_its_timeout() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1)]);
    h.done(term, 0);
    let asked = h.control(Control::Commit(vec![p(0)]));
    h.advance(std::time::Duration::from_secs(10));
    assert_eq!(h.answer(asked), Answer::Unknown);
}

#[test]
fn seek_is_a_new_term_and_reads_only_what_the_client_read_after_it() {
    let (mut h, old) = Harness::started(eager());
    h.fetch(old, &[(0, 1), (1, 1)]);
    let asked = h.control(Control::Seek(p(0), SeekTo::Position(Position::new(50))));
    let term = h.engine.term_of(&p(0)).unwrap();
    assert_ne!(old, term);
    let seek = h.take().into_iter().find_map(|output| match output {
        Output::Effect { id, effect: Effect::Seek { position, .. } } => Some((id, position.get())),
        _ => None,
    });
    let (effect, position) = seek.unwrap();
    assert_eq!(position, 50);
    h.fetch(old, &[(2, 1)]);
    h.done(old, 0);
    assert!(h.delivered().is_empty());
    h.input(Input::EffectEnded { effect, outcomes: vec![(term, Outcome::Done(()))] });
    assert_eq!(h.answer(asked), Answer::Accepted);
    let (_, position) = h.commit();
    assert_eq!(position, 50, "a restart goes on where the seek went");
    h.fetch(term, &[(50, 1)]);
    assert_eq!(h.delivered(), [50]);
}

#[test]
fn seek_by_time_asks_for_the_position_first() {
    let (mut h, _) = Harness::started(eager());
    h.control(Control::Seek(p(0), SeekTo::Timestamp(123)));
    let term = h.engine.term_of(&p(0)).unwrap();
    let find = Output::FindStart { term, partition: p(0), timestamp: Some(123) };
    assert!(h.take().contains(&find));
    let found = StartFacts { at_time: Some(Position::new(8)), ..facts(None, 10) };
    h.input(Input::StartFound { term, outcome: Outcome::Done(found) });
    assert!(h.take().iter().any(|output| matches!(
        output,
        Output::Effect { effect: Effect::Seek { position, .. }, .. } if position.get() == 8
    )));
}

#[test]
fn row_036_a_request_for_a_partition_that_is_not_held_is_refused() {
    let (mut h, _) = Harness::started(eager());
    let asked = h.control(Control::Pause(vec![p(0), p(9)]));
    assert_eq!(h.answer(asked), Answer::Refused(ControlRefusal::NotAssigned(p(9))));
}
