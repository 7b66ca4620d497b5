//! The surefoot command line.
//!
//! One file a noun, one file below it a verb. [`run`] takes arguments and an [`Env`] and gives an
//! [`Exit`]; no command touches the process's own streams, so each of them can be tested without a
//! process. What goes wrong is a [`Complaint`]: one line, a hint that names what to change, and the
//! exit code, decided where the error is understood.

#![forbid(unsafe_code)]

mod args;
mod check;
mod cluster;
mod complaint;
mod completions;
mod consume;
mod env;
mod exit;
mod instant;
mod interrupt;
mod logs;
mod offsets;
mod produce;
mod record_text;
mod table;
mod topics;

use std::ffi::OsString;

use clap::Parser;

use args::{Command, Surefoot};
pub use complaint::Complaint;
pub use env::{Env, Terminal};
pub use exit::Exit;

/// Runs one command line, the program's name first, and says how the process should exit.
pub fn run<A>(args: impl IntoIterator<Item = A>, env: &mut Env) -> Exit
where
    A: Into<OsString> + Clone,
{
    let surefoot = match Surefoot::try_parse_from(args) {
        Ok(surefoot) => surefoot,
        Err(refused) => return args::explain(&refused, env),
    };
    logs::show(surefoot.global.verbose);
    let json = surefoot.global.output();
    match dispatch(surefoot, env) {
        Ok(exit) => exit,
        Err(complaint) => complaint.tell(json, env),
    }
}

fn dispatch(surefoot: Surefoot, env: &mut Env) -> Result<Exit, Complaint> {
    let Surefoot { global, command } = surefoot;
    match command {
        Command::Topics(topics) => topics::run(&global, topics, env),
        Command::Produce(produce) => produce::run(&global, *produce, env),
        Command::Consume(consume) => consume::run(&global, &consume, env),
        Command::Offsets(offsets) => offsets::run(&global, offsets, env),
        Command::Check(check) => check::run(&global, &check, env),
        Command::Completions(completions) => completions::run(&completions, env),
    }
}
