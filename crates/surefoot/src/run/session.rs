//! One run: what is set up for it, and what came of it.
//!
//! A run ends for one reason of the engine's, one of the client's, or one of a handler's; the order
//! in which they are asked decides which of them the caller hears of.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::process;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use surefoot_core::{CommitPolicy, DeliveryUnit, Guarantee, ProcessingOrder};
use tokio::sync::mpsc::UnboundedReceiver;

use super::Desk;
use crate::consumer::{Observer, Plan};
use crate::error::RunError;
use crate::event::Subscribers;
use crate::history::{Begin, FORMAT, GuaranteeName, Historian, OrderName, Recorder};
use crate::link::{Message, Sender, Work};
use crate::room::Running;
use crate::route::Route;
use crate::signal::{self, Registration};

/// A run whose engine's thread was started.
///
/// Dropped before it is over, it tells the thread to stop at once: nobody runs handlers any more.
pub(crate) struct Session {
    sender: Sender,
    running: Running,
    desk: Arc<Desk>,
    recorder: Option<Arc<Recorder>>,
    subscribers: Arc<Subscribers>,
    group: String,
    is_over: bool,
    _signals: Option<Registration>,
}

impl Session {
    /// Sets everything up and starts the thread.
    pub(crate) fn start(
        plan: &Plan,
        unit: DeliveryUnit,
        route: &Route,
        subscribers: &Arc<Subscribers>,
    ) -> Result<Self, RunError> {
        let recorder = begin_history(plan)?;
        let observer = observer(plan, recorder.as_ref(), subscribers);
        let prepared = plan
            .prepare(unit, Some(observer))
            .expect("the same plan was prepared when it was built");
        let sender = prepared.sender();
        if let Some(recorder) = &recorder {
            recorder.set_alarm(sender.clone());
        }
        let thread = |source| RunError::Thread { source };
        let signals = match plan.stop_on_signals {
            true => {
                Some(signal::stop_on_signals(sender.clone(), recorder.clone()).map_err(thread)?)
            }
            false => None,
        };
        let running = prepared.start().map_err(thread)?;
        route.open(sender.clone());
        Ok(Self {
            desk: Arc::new(Desk::new(sender.clone(), recorder.clone())),
            sender,
            running,
            recorder,
            subscribers: Arc::clone(subscribers),
            group: plan.group.clone(),
            is_over: false,
            _signals: signals,
        })
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// What the engine's thread sends.
    pub(crate) fn work(&mut self) -> &mut UnboundedReceiver<Work> {
        &mut self.running.work
    }

    /// Asks the thread to drain and stop, and lets it do so by itself.
    pub(crate) fn leave(&mut self) {
        self.is_over = true;
        // A thread that is gone has stopped.
        let _gone = self.sender.send(Message::Stop(None));
    }

    /// The result, once there is no more work.
    pub(crate) async fn result(mut self) -> Result<(), RunError> {
        poll_fn(|context| self.poll_result(context)).await
    }

    pub(crate) fn poll_result(&mut self, context: &mut Context<'_>) -> Poll<Result<(), RunError>> {
        let ended = ready!(Pin::new(&mut self.running.ending).poll(context));
        self.is_over = true;
        self.subscribers.close();
        let result = match ended {
            Ok(Ok(exit)) => RunError::of_exit(exit, self.desk.take_blamed(), &self.group),
            Ok(Err(error)) => Err(RunError::of_room(error)),
            Err(_) => Err(RunError::Bug { message: "it ended without a result".to_owned() }),
        };
        Poll::Ready(self.end_history(result))
    }

    /// Writes the last line. A history with a hole is why the run ended, whatever else is said.
    fn end_history(&self, result: Result<(), RunError>) -> Result<(), RunError> {
        let Some(recorder) = &self.recorder else { return result };
        match &result {
            Ok(()) => recorder.exited(0, "stopped".to_owned()),
            Err(error) => recorder.exited(1, error.to_string()),
        }
        match recorder.error() {
            Some(source) => Err(RunError::History { path: recorder.path().to_owned(), source }),
            None => result,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.is_over {
            // A thread that is gone has stopped.
            let _gone = self.sender.send(Message::Abort);
        }
        self.subscribers.close();
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("group", &self.group).finish_non_exhaustive()
    }
}

/// What the engine's thread tells goes to the history first, and then to those who listen.
fn observer(
    plan: &Plan,
    recorder: Option<&Arc<Recorder>>,
    subscribers: &Arc<Subscribers>,
) -> Observer {
    let start = plan.engine.start.without_commit;
    let historian = recorder.map(|recorder| Historian::new(Arc::clone(recorder), start));
    let subscribers = Arc::clone(subscribers);
    Box::new(move |step| {
        if let Some(historian) = &historian {
            historian.observe(step);
        }
        subscribers.observe(step);
    })
}

fn begin_history(plan: &Plan) -> Result<Option<Arc<Recorder>>, RunError> {
    let Some(history) = &plan.history else { return Ok(None) };
    let recorder = Recorder::create(&history.directory, &history.member, |incarnation| {
        begin_line(plan, &history.member, incarnation)
    });
    match recorder {
        Ok(recorder) => Ok(Some(Arc::new(recorder))),
        Err(error) => {
            let (path, source) = (history.directory.clone(), Arc::new(error));
            Err(RunError::History { path, source })
        }
    }
}

fn begin_line(plan: &Plan, member: &str, incarnation: u32) -> Begin {
    let engine = &plan.engine;
    let (guarantee, window) = match (engine.guarantee, engine.commit) {
        (Guarantee::AtLeastOnce, CommitPolicy::Manual) => (GuaranteeName::Manual, 0),
        (Guarantee::AtLeastOnce, CommitPolicy::Auto { .. }) => (GuaranteeName::AtLeastOnce, 0),
        (Guarantee::AtMostOnce, CommitPolicy::Auto { every_records: Some(window), .. }) => {
            (GuaranteeName::AtMostOnce, window.get().into())
        }
        (Guarantee::AtMostOnce, _) => (GuaranteeName::AtMostOnce, 1),
    };
    Begin {
        format: FORMAT,
        member: member.to_owned(),
        incarnation,
        group: plan.group.clone(),
        guarantee,
        processing_order: match engine.processing_order {
            ProcessingOrder::Partition => OrderName::Partition,
            ProcessingOrder::Key => OrderName::Key,
            ProcessingOrder::Unordered => OrderName::Unordered,
        },
        topics: plan.topics.clone(),
        window,
        max_in_flight: engine.budget.max_in_flight,
        max_buffered_bytes: engine.budget.max_buffered_bytes,
        drain_deadline_ms: u64::try_from(engine.drain_deadline.as_millis()).unwrap_or(u64::MAX),
        pid: process::id(),
    }
}
