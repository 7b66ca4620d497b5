//! SIGTERM and SIGINT: the first stops with a drain, the second ends the process at once.
//!
//! A signal belongs to the process and not to one consumer, so there is one listener for all of
//! them. It has a thread of its own: a handler that keeps the application's runtime busy must not
//! keep the process from being told to end. Once a signal is listened to, the system's own action
//! never comes back, so with nobody left to stop the listener ends the process itself.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::history::{Line, Recorder, Signal as SignalLine};
use crate::link::{Message, Sender};

/// Shells report a process that a signal ended with this, plus the signal's number.
const EXIT_BY_SIGNAL: i32 = 128;

static LISTENER: Mutex<Listener> =
    Mutex::new(Listener { is_running: false, received: 0, next_id: 0, members: Vec::new() });

struct Listener {
    is_running: bool,
    /// Signals since there was nobody to stop.
    received: u32,
    next_id: u64,
    members: Vec<Member>,
}

struct Member {
    id: u64,
    sender: Sender,
    recorder: Option<Arc<Recorder>>,
}

/// Keeps a consumer registered.
#[derive(Debug)]
pub(crate) struct Registration {
    id: u64,
}

/// Stops the consumer on SIGTERM and SIGINT for as long as the registration lives.
pub(crate) fn stop_on_signals(
    sender: Sender,
    recorder: Option<Arc<Recorder>>,
) -> io::Result<Registration> {
    let mut listener = listener();
    if !listener.is_running {
        listen()?;
        listener.is_running = true;
    }
    listener.next_id += 1;
    let id = listener.next_id;
    listener.members.push(Member { id, sender, recorder });
    Ok(Registration { id })
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut listener = listener();
        listener.members.retain(|member| member.id != self.id);
        if listener.members.is_empty() {
            listener.received = 0;
        }
    }
}

impl Listener {
    fn on_signal(&mut self, number: i32) {
        self.received += 1;
        let nth = self.received;
        for member in &self.members {
            if let Some(recorder) = &member.recorder {
                recorder.record(&Line::Signal(SignalLine { number, nth }));
            }
        }
        if nth == 1 && !self.members.is_empty() {
            tracing::info!(number, "signal: draining; another one ends the process at once");
            self.tell(|| Message::Stop(None));
            return;
        }
        // No handler ends after this line, so nothing that is unfinished can be committed.
        self.tell(|| Message::Abort);
        let code = EXIT_BY_SIGNAL + number;
        for member in &self.members {
            if let Some(recorder) = &member.recorder {
                recorder.exited(code, format!("signal {number}, the second one"));
            }
        }
        std::process::exit(code);
    }

    fn tell(&self, message: impl Fn() -> Message) {
        for member in &self.members {
            // A consumer that is over needs no telling.
            let _gone = member.sender.send(message());
        }
    }
}

/// Starts the thread and waits until it hears signals.
fn listen() -> io::Result<()> {
    let (ready, is_ready) = mpsc::sync_channel(1);
    thread::Builder::new().name("surefoot-signals".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let listening = runtime.and_then(|runtime| {
            let _context = runtime.enter();
            let terminate = signal(SignalKind::terminate())?;
            let interrupt = signal(SignalKind::interrupt())?;
            drop(_context);
            Ok((runtime, terminate, interrupt))
        });
        let (runtime, terminate, interrupt) = match listening {
            Ok(listening) => listening,
            Err(error) => return drop(ready.send(Err(error))),
        };
        drop(ready.send(Ok(())));
        runtime.block_on(forward(terminate, interrupt));
    })?;
    is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("the listener ended")))
}

async fn forward(mut terminate: Signal, mut interrupt: Signal) {
    loop {
        let number = tokio::select! {
            Some(()) = terminate.recv() => SignalKind::terminate().as_raw_value(),
            Some(()) = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            else => return,
        };
        listener().on_signal(number);
    }
}

fn listener() -> MutexGuard<'static, Listener> {
    // Nothing panics while it is held.
    LISTENER.lock().unwrap_or_else(PoisonError::into_inner)
}
