//! The `surefoot` binary: arguments in, exit code out. Everything else is in the library, where
//! tests can call it with streams of their own.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use surefoot_cli::{Env, Terminal, run};

fn main() -> ExitCode {
    let stderr = io::stderr();
    let terminal = if stderr.is_terminal() { Terminal::Interactive } else { Terminal::Plain };
    let mut env = Env {
        // Not locked: a second thread that logs would wait for ever.
        stdin: Box::new(io::stdin()),
        stdout: Box::new(io::stdout()),
        stderr: Box::new(stderr),
        terminal,
    };
    run(std::env::args_os(), &mut env).into()
}
