//! Which records run beside each other.

use surefoot_core::*;

use super::harness::*;

#[test]
fn slow_key_does_not_block_other_keys() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 1), (2, 2), (3, 1)]);
    assert_eq!(h.delivered(), [0, 2]);
    h.done(term, 2);
    assert!(h.delivered().is_empty());
    h.done(term, 0);
    assert_eq!(h.delivered(), [1]);
    h.done(term, 1);
    assert_eq!(h.delivered(), [3]);
}

#[test]
fn partition_order_runs_one_record_at_a_time() {
    let order = EngineConfig { processing_order: ProcessingOrder::Partition, ..eager() };
    let (mut h, term) = Harness::started(order);
    h.fetch(term, &[(0, 1), (5, 2)]);
    assert_eq!(h.delivered(), [0]);
    h.done(term, 0);
    assert_eq!(h.delivered(), [5]);
}

#[test]
fn row_021_a_key_waits_for_its_flight_of_an_earlier_term() {
    let (mut h, old) = Harness::started(eager());
    h.fetch(old, &[(0, 1), (1, 1), (2, 2)]);
    assert_eq!(h.delivered(), [0, 2]);
    h.input(Input::Lost(vec![p(0)]));
    assert!(h.released());
    let term = h.assign(0, facts(None, 10));
    h.fetch(term, &[(0, 1), (1, 1), (2, 2), (3, 3)]);
    assert_eq!(h.delivered(), [3]);
    h.done(old, 0);
    assert_eq!(h.delivered(), [0], "the old flight gave its key back");
    h.done(term, 0);
    assert_eq!(h.delivered(), [1]);
    assert_eq!(
        h.engine.snapshot(Now { mono: Mono::default(), wall_ms: 0 }).counters.stale_results,
        1
    );
}

#[test]
fn a_record_without_a_key_is_its_own_lane_and_waits_for_its_own_earlier_run() {
    let (mut h, old) = Harness::started(eager());
    let keyless = |offset| RecordMeta {
        offset: Offset::new(offset),
        key: None,
        bytes: 1,
        token: Token(offset as u32),
    };
    let batch = |offsets: &[i64]| Fetched {
        records: offsets.iter().map(|&offset| keyless(offset)).collect(),
        leader_epoch: None,
        token: Token(0),
    };
    h.input(Input::Fetched { term: old, batch: batch(&[0, 1]) });
    assert_eq!(h.delivered(), [0, 1]);
    h.done(old, 1);
    h.input(Input::Lost(vec![p(0)]));
    let term = h.assign(0, facts(None, 10));
    h.input(Input::Fetched { term, batch: batch(&[0, 1, 2]) });
    assert_eq!(h.delivered(), [1, 2]);
    h.done(old, 0);
    assert_eq!(h.delivered(), [0]);
}

#[test]
fn row_057_a_repeated_offset_within_a_term_is_dropped() {
    let (mut h, term) = Harness::started(eager());
    h.fetch(term, &[(0, 1), (1, 2)]);
    h.fetch(term, &[(0, 1), (1, 2), (2, 3)]);
    assert_eq!(h.delivered(), [0, 1, 2]);
    assert!(h.take().contains(&Output::Discard(Token(1))));
}

#[test]
fn row_077_a_full_budget_pauses_and_resumes_at_half() {
    let budget = Budget {
        max_in_flight: 1.try_into().unwrap(),
        max_buffered_records: 4.try_into().unwrap(),
        ..Budget::default()
    };
    let (mut h, term) = Harness::started(EngineConfig { budget, ..eager() });
    h.fetch(term, &[(0, 1), (1, 2), (2, 3), (3, 4)]);
    let reason = PauseReason::Backpressure;
    assert!(h.take().contains(&Output::Pause { term, reason }));
    h.done(term, 0);
    assert!(!h.take().contains(&Output::Resume { term, reason, flowing: true }));
    h.done(term, 1);
    assert!(h.take().contains(&Output::Resume { term, reason, flowing: true }));
}

#[test]
fn a_batch_runs_until_its_last_piece_ended_however_the_first_did() {
    let unit = EngineConfig { delivery_unit: DeliveryUnit::Batch, ..eager() };
    let (mut h, term) = Harness::started(unit);
    h.fetch(term, &[(0, 1), (1, 2), (4, 3)]);
    h.input(Input::Revoked(vec![p(0)]));
    h.end_range(term, 1, 1, HandlerOutcome::Cancelled);
    assert!(!h.released(), "the handler works on the others");
    h.end_range(term, 0, 0, HandlerOutcome::Done);
    let (commit, position) = h.commit();
    assert_eq!(position, 1);
    h.commit_ended(commit, Outcome::Done(()));
    assert!(!h.released());
    h.end_range(term, 4, 4, HandlerOutcome::Cancelled);
    assert!(h.released());
}

#[test]
fn a_batch_is_one_delivery_and_may_end_in_pieces() {
    let unit = EngineConfig { delivery_unit: DeliveryUnit::Batch, ..eager() };
    let (mut h, term) = Harness::started(unit);
    h.fetch(term, &[(0, 1), (1, 2), (4, 3)]);
    h.fetch(term, &[(5, 1)]);
    assert_eq!(h.delivered(), [0]);
    h.end_range(term, 0, 1, HandlerOutcome::Done);
    assert_eq!(h.commit().1, 4);
    assert!(h.delivered().is_empty());
    h.end_range(term, 4, 4, HandlerOutcome::Done);
    assert_eq!(h.delivered(), [5]);
}
