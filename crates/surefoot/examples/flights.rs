//! Counts the aircraft that flew: flights BROKERS GROUP TOPIC GUARANTEE HISTORIES MEMBER

use std::{cell::RefCell, collections::BTreeSet, num::NonZeroU32};
use surefoot::{CommitPolicy, Consumer, Delivery, Failure, Guarantee};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, brokers, group, topic, guarantee, histories, member] = &arguments[..] else {
        return Err("usage: flights BROKERS GROUP TOPIC GUARANTEE HISTORIES MEMBER".into());
    };
    let at_most_once = guarantee == "at-most-once";
    let consumer = Consumer::builder(brokers, group)
        .topics([topic])
        .guarantee(if at_most_once { Guarantee::AtMostOnce } else { Guarantee::AtLeastOnce })
        .commit_policy(CommitPolicy::Auto { every_records: NonZeroU32::new(100), every: None })
        .option("session.timeout.ms", "6000") // a killed member's partitions wait this long
        .record_history(histories, member)
        .stop_on_signals()
        .build()?;
    let aircraft = RefCell::new(BTreeSet::new());
    let note = async |flight: Delivery| {
        aircraft.borrow_mut().insert(flight.key().map(<[u8]>::to_vec));
        Ok(())
    };
    consumer.run(note).await?;
    eprintln!("{} aircraft flew", aircraft.borrow().len());
    Ok(())
}
