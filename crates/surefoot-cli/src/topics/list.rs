//! `surefoot topics list`: names, partitions, replicas; Kafka's own topics only when asked.

use clap::Args;
use serde::Serialize;

use crate::args::Output;
use crate::cluster::{Cluster, Isolation};
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;
use crate::table::{Align, layout};

/// Arguments of `surefoot topics list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Kafka's own topics too, such as __consumer_offsets
    #[arg(long)]
    internal: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    topic: String,
    partitions: usize,
    replicas: usize,
    /// Partitions without a leader or with replicas that lag behind.
    unhealthy: usize,
}

pub(crate) fn run(
    cluster: &Cluster,
    args: &List,
    output: Output,
    env: &mut Env,
) -> Result<Exit, Complaint> {
    let metadata = cluster.connect(Isolation::ReadCommitted)?.metadata()?;
    let mut rows: Vec<Row> = metadata
        .topics()
        .iter()
        .filter(|topic| args.internal || !topic.name().starts_with("__"))
        .map(|topic| {
            let partitions = topic.partitions();
            Row {
                topic: topic.name().to_owned(),
                partitions: partitions.len(),
                replicas: partitions.iter().map(|p| p.replicas().len()).max().unwrap_or(0),
                unhealthy: partitions
                    .iter()
                    .filter(|p| p.leader() < 0 || p.isr().len() < p.replicas().len())
                    .count(),
            }
        })
        .collect();
    rows.sort_by(|a, b| a.topic.cmp(&b.topic));
    match output {
        Output::Json => env.print_json(&rows)?,
        Output::Text => {
            let columns = [
                ("TOPIC", Align::Left),
                ("PARTITIONS", Align::Right),
                ("REPLICAS", Align::Right),
                ("UNHEALTHY", Align::Right),
            ];
            let cells = rows
                .into_iter()
                .map(|row| {
                    vec![
                        row.topic,
                        row.partitions.to_string(),
                        row.replicas.to_string(),
                        row.unhealthy.to_string(),
                    ]
                })
                .collect();
            env.print(&layout(&columns, cells))?;
        }
    }
    env.done()
}
