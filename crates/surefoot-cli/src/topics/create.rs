//! `surefoot topics create`: makes a topic and waits until every broker that was asked knows it.
//!
//! The controller answers before the brokers have heard: a producer that starts at once would be
//! told that there is no such topic. So the command ends when metadata shows all partitions with a
//! leader.

use std::time::{Duration, Instant};

use clap::Args;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use serde::Serialize;

use crate::args::Output;
use crate::cluster::{Action, Cluster, Connection, Events, Isolation, Property, refusal};
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;

/// Between two questions whether the topic is known.
const PAUSE: Duration = Duration::from_millis(50);

/// Arguments of `surefoot topics create`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  surefoot topics create orders --partitions 12 --set cleanup.policy=compact")]
pub(crate) struct Create {
    /// Name of the topic
    name: String,

    /// Number of partitions; the cluster's default without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,

    /// Replicas of each partition; the cluster's default without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=32767))]
    replication_factor: Option<i32>,

    /// Setting of the topic, such as retention.ms=60000; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Property>,
}

#[derive(Debug, Serialize)]
struct Created<'a> {
    topic: &'a str,
    partitions: usize,
}

pub(crate) fn run(
    cluster: &Cluster,
    args: &Create,
    output: Output,
    env: &mut Env,
) -> Result<Exit, Complaint> {
    let connection = cluster.connect(Isolation::ReadCommitted)?;
    create(cluster, &connection, args)?;
    let partitions = wait_until_known(cluster, &connection, args)?;
    match output {
        Output::Json => env.print_json(&Created { topic: &args.name, partitions })?,
        Output::Text => env.print(&format!("created {}, partitions: {partitions}\n", args.name))?,
    }
    env.done()
}

fn create(cluster: &Cluster, connection: &Connection, args: &Create) -> Result<(), Complaint> {
    let action = Action::Create { topic: &args.name };
    let (events, _faults) = Events::channel();
    let admin: AdminClient<Events> = cluster
        .options()
        .create_with_context(events)
        .map_err(|error| connection.explain(&error, &action))?;
    // -1 leaves the number to the cluster.
    let replication = TopicReplication::Fixed(args.replication_factor.unwrap_or(-1));
    let mut topic = NewTopic::new(&args.name, args.partitions.unwrap_or(-1), replication);
    for Property { key, value } in &args.set {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new()
        .request_timeout(Some(cluster.timeout()))
        .operation_timeout(Some(cluster.timeout()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers needs nothing of the system");
    let results = runtime
        .block_on(admin.create_topics([&topic], &options))
        .map_err(|error| connection.explain(&error, &action))?;
    match results.into_iter().next() {
        Some(Err((_, code))) => Err(refusal(code, &action, cluster)),
        _ => Ok(()),
    }
}

fn wait_until_known(
    cluster: &Cluster,
    connection: &Connection,
    args: &Create,
) -> Result<usize, Complaint> {
    let deadline = Instant::now() + cluster.timeout();
    loop {
        let metadata = connection.metadata()?;
        let topic = metadata.topics().iter().find(|topic| topic.name() == args.name);
        if let Some(topic) = topic {
            let partitions = topic.partitions();
            let expected = args.partitions.map_or(1, |n| usize::try_from(n).unwrap_or(1));
            if partitions.len() >= expected && partitions.iter().all(|p| p.leader() >= 0) {
                return Ok(partitions.len());
            }
        }
        if Instant::now() >= deadline {
            let action = Action::Describe { topic: &args.name };
            return Err(refusal(RDKafkaErrorCode::LeaderNotAvailable, &action, cluster));
        }
        std::thread::sleep(PAUSE);
    }
}
