//! `surefoot topics`: what the cluster has, and where each partition's log begins and ends.

mod create;
mod describe;
mod dump;
mod list;

use clap::Subcommand;

use crate::args::Global;
use crate::cluster::Cluster;
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(crate) enum Topics {
    /// Make a topic
    Create(create::Create),
    /// List the topics
    List(list::List),
    /// Show partitions, leaders, replicas and offsets
    Describe(describe::Describe),
    /// Write a topic's records in the form that `surefoot check` reads
    Dump(dump::Dump),
}

pub(crate) fn run(global: &Global, topics: Topics, env: &mut Env) -> Result<Exit, Complaint> {
    let cluster = Cluster::of(global)?;
    match topics {
        Topics::Create(create) => create::run(&cluster, &create, global.output(), env),
        Topics::List(list) => list::run(&cluster, &list, global.output(), env),
        Topics::Describe(describe) => describe::run(&cluster, &describe, global.output(), env),
        Topics::Dump(dump) => dump::run(&cluster, &dump, env),
    }
}
