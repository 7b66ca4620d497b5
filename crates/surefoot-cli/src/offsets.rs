//! `surefoot offsets`: what a group committed, as the coordinator stored it.

mod commit_record;
mod dump;

use clap::Subcommand;

use crate::args::Global;
use crate::cluster::Cluster;
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(crate) enum Offsets {
    /// Write every commit of a group in the form that `surefoot check` reads
    Dump(dump::Dump),
}

pub(crate) fn run(global: &Global, offsets: Offsets, env: &mut Env) -> Result<Exit, Complaint> {
    let cluster = Cluster::of(global)?;
    match offsets {
        Offsets::Dump(dump) => dump::run(&cluster, &dump, env),
    }
}
