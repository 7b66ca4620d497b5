//! Ctrl-C and SIGTERM as a flag that long loops look at.
//!
//! The first one asks: what was sent is flushed and reported. The second one ends the process at
//! once, which is what a person who presses the keys twice wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::complaint::Complaint;
use crate::exit::Exit;

/// Whether somebody asked the command to end.
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches for signals from here on.
    pub(crate) fn watch() -> Result<Self, Complaint> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            let exit = i32::from(Exit::Interrupted.code());
            // In this order: the flag is not yet set when the first signal runs the first action.
            flag::register_conditional_shutdown(signal, exit, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .map_err(|error| Complaint::refused(format!("cannot watch for Ctrl-C: {error}")))?;
        }
        Ok(Self(asked))
    }

    /// Whether a signal came.
    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
