//! Counts the flights of each aircraft: flights BROKERS GROUP TOPIC GUARANTEE HISTORIES MEMBER

use std::{cell::RefCell, collections::BTreeMap};
use surefoot::{Consumer, Delivery, Failure, Guarantee};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, brokers, group, topic, guarantee, histories, member] = &arguments[..] else {
        return Err("usage: flights BROKERS GROUP TOPIC GUARANTEE HISTORIES MEMBER".into());
    };
    let consumer = Consumer::builder(brokers, group)
        .topics([topic])
        .guarantee(match guarantee.as_str() {
            "at-most-once" => Guarantee::AtMostOnce,
            _ => Guarantee::AtLeastOnce,
        })
        .record_history(histories, member)
        .stop_on_signals()
        .build()?;
    let flights = RefCell::new(BTreeMap::<String, u64>::new());
    let count = async |flight: Delivery| {
        let aircraft = std::str::from_utf8(flight.key().unwrap_or_default())?;
        *flights.borrow_mut().entry(aircraft.to_owned()).or_default() += 1;
        Ok(())
    };
    consumer.run(count).await?;
    eprintln!("{} aircraft flew", flights.borrow().len());
    Ok(())
}
