//! The end of a client: answered, left, and bounded.

use std::time::{Duration, Instant};

use crate::broker;
use crate::member::{COOPERATIVE, Member};

#[test]
fn row_110_a_client_that_never_joined_closes_at_once() {
    let options = [COOPERATIVE, ("bootstrap.servers", "127.0.0.1:1")];
    let member = Member::new(&broker::unique("group"), &options);
    member.client.subscribe(&["any"]).unwrap();
    let begun = Instant::now();
    member.close();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_close_leaves_the_group_so_that_the_next_member_has_it_at_once() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    let options = [COOPERATIVE, ("session.timeout.ms", "45000")];
    let (mut first, assigned) = Member::joined(&group, &topic, &options);
    first.start(&assigned, 0);
    first.end(&assigned[0]);
    first.close();
    let begun = Instant::now();
    let (second, again) = Member::joined(&group, &topic, &options);
    assert_eq!(again, assigned);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    drop(second);
}

#[test]
fn an_assignment_that_nobody_answered_does_not_hold_up_the_close() {
    let (topic, group) = (broker::topic(1), broker::unique("group"));
    let (mut member, assigned) = Member::joined(&group, &topic, &[COOPERATIVE]);
    member.client.begin_close().unwrap();
    member.pump();
    assert!(!member.client.is_closed(), "it waits for the answer");
    // Any answer will do: a client that ends takes an assignment for the opposite.
    member.start(&assigned, 0);
    member.until("end of the client", |member| member.client.is_closed().then_some(()));
}
