//! Shows logs on standard error when asked with `-v`.
//!
//! librdkafka logs every lost connection on its own; on a command line those lines bury the one
//! that says what to change. So its logs go to tracing, and tracing is silent unless `-v` is given.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging: nothing, `-v` warnings and decisions, `-vv` everything.
pub(crate) fn show(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "info",
        _ => "debug",
    };
    // Fails only where a program around this one has already chosen where its logs go.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
