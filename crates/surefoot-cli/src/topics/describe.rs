//! `surefoot topics describe`: each partition's leader, replicas, and the offsets of its log.
//!
//! The end offset and the last stable offset differ while a transaction is open; a `read_committed`
//! reader waits at the second. Kafka answers ListOffsets by the asker's isolation level, so two
//! connections ask.

use clap::Args;
use rdkafka::metadata::MetadataPartition;
use serde::Serialize;

use crate::args::Output;
use crate::cluster::{Cluster, Connection, Isolation, Partition};
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;
use crate::table::{Align, layout};

/// Arguments of `surefoot topics describe`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Names of topics
    #[arg(required = true, value_name = "NAME")]
    topics: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Topic {
    topic: String,
    partitions: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    partition: i32,
    leader: Option<i32>,
    replicas: Vec<i32>,
    isr: Vec<i32>,
    log_start: i64,
    end: i64,
    last_stable: i64,
}

pub(crate) fn run(
    cluster: &Cluster,
    args: &Describe,
    output: Output,
    env: &mut Env,
) -> Result<Exit, Complaint> {
    let uncommitted = cluster.connect(Isolation::ReadUncommitted)?;
    let committed = cluster.connect(Isolation::ReadCommitted)?;
    let topics = args
        .topics
        .iter()
        .map(|topic| describe(&uncommitted, &committed, topic))
        .collect::<Result<Vec<_>, _>>()?;
    match output {
        Output::Json => env.print_json(&topics)?,
        Output::Text => env.print(&render(topics))?,
    }
    env.done()
}

fn describe(
    uncommitted: &Connection,
    committed: &Connection,
    topic: &str,
) -> Result<Topic, Complaint> {
    let ids = uncommitted.partitions(topic)?;
    let metadata = uncommitted.topic_metadata(topic)?;
    // The last stable offset is asked for first: both only rise, so it never shows above the end.
    let stable = committed.bounds(topic, &ids)?;
    let bounds = uncommitted.bounds(topic, &ids)?;
    let described = metadata.topics().first().map_or(&[][..], |topic| topic.partitions());
    let rows = bounds.iter().zip(&stable).filter_map(|(bounds, stable)| {
        let partition = described.iter().find(|partition| partition.id() == bounds.id)?;
        Some(row(partition, *bounds, stable.end))
    });
    Ok(Topic { topic: topic.to_owned(), partitions: rows.collect() })
}

fn row(partition: &MetadataPartition, bounds: Partition, last_stable: i64) -> Row {
    Row {
        partition: bounds.id,
        leader: Some(partition.leader()).filter(|leader| *leader >= 0),
        replicas: partition.replicas().to_vec(),
        isr: partition.isr().to_vec(),
        log_start: bounds.log_start,
        end: bounds.end,
        last_stable,
    }
}

fn render(topics: Vec<Topic>) -> String {
    let columns = [
        ("TOPIC", Align::Left),
        ("PARTITION", Align::Right),
        ("LEADER", Align::Right),
        ("REPLICAS", Align::Left),
        ("ISR", Align::Left),
        ("LOG START", Align::Right),
        ("END", Align::Right),
        ("LAST STABLE", Align::Right),
    ];
    let mut cells = Vec::new();
    for Topic { topic, partitions } in topics {
        for row in partitions {
            cells.push(vec![
                topic.clone(),
                row.partition.to_string(),
                row.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string()),
                ids(&row.replicas),
                ids(&row.isr),
                row.log_start.to_string(),
                row.end.to_string(),
                row.last_stable.to_string(),
            ]);
        }
    }
    layout(&columns, cells)
}

fn ids(brokers: &[i32]) -> String {
    let ids: Vec<String> = brokers.iter().map(i32::to_string).collect();
    ids.join(",")
}
