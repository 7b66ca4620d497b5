//! `surefoot completions`: completion scripts, made from the parser's own definition.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Surefoot;
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;

/// Arguments of `surefoot completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  surefoot completions bash > ~/.local/share/bash-completion/completions/surefoot")]
pub(crate) struct Completions {
    /// The shell to write for
    shell: Shell,
}

pub(crate) fn run(args: &Completions, env: &mut Env) -> Result<Exit, Complaint> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Surefoot::command(), "surefoot", &mut script);
    env.print(&String::from_utf8_lossy(&script))?;
    env.done()
}
