//! A member of a group that counts flights by airline: flights BROKERS GROUP TOPIC GUARANTEE DIR MEMBER
use std::collections::BTreeMap;
use std::sync::Mutex;

use surefoot::{Consumer, Delivery, Failure, Guarantee};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let [_, brokers, group, topic, guarantee, directory, member] = &*std::env::args().collect::<Vec<_>>() else {
        return Err("usage: flights BROKERS GROUP TOPIC at-least-once|at-most-once DIR MEMBER".into());
    };
    let guarantee = match guarantee.as_str() {
        "at-most-once" => Guarantee::AtMostOnce,
        _ => Guarantee::AtLeastOnce,
    };
    let consumer = Consumer::builder(brokers, group)
        .topics([topic])
        .guarantee(guarantee)
        .record_history(directory, member)
        .stop_on_signals()
        .build()?;
    let flights = Mutex::new(BTreeMap::<String, u64>::new());
    consumer.run(async |flight: Delivery| {
        let row: serde_json::Value = serde_json::from_slice(flight.payload().unwrap_or_default())?;
        *flights.lock().unwrap().entry(row["carrier"].to_string()).or_default() += 1;
        Ok(())
    }).await?;
    println!("{flights:?}");
    Ok(())
}
