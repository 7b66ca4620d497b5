//! A member of a consumer group, from before it runs until it is over.
//!
//! There are three ways to consume and one engine under all of them. What differs is who says that
//! a record is handled: the end of a handler's call, the parts of a batch, or the application
//! itself.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use surefoot_core::{DeliveryUnit, EngineConfig};

use crate::Failure;
use crate::batch::Batch;
use crate::builder::{Builder, History};
use crate::delivery::Delivery;
use crate::error::{BuildError, RunError};
use crate::event::Subscribers;
use crate::handle::Handle;
use crate::room::{self, Observed, Prepared, RoomConfig};
use crate::route::Route;
use crate::run::{Driver, Session};
use crate::stream::Deliveries;

/// A member of a consumer group that has not started yet.
///
/// Nothing is sent before it runs. Dropping a run's future ends it as
/// [`Handle::abort`](crate::Handle::abort) does.
#[derive(Debug)]
#[must_use = "a consumer does nothing until it runs"]
pub struct Consumer {
    plan: Plan,
    route: Arc<Route>,
    subscribers: Arc<Subscribers>,
}

/// Is told what the engine's thread does.
pub(crate) type Observer = Box<dyn FnMut(&Observed<'_>) + Send>;

/// What a builder decided.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) bootstrap_servers: String,
    pub(crate) group: String,
    /// Names, and patterns that begin with `^`.
    pub(crate) topics: Vec<String>,
    pub(crate) engine: EngineConfig,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) max_batch_records: NonZeroUsize,
    pub(crate) start_timeout: Duration,
    pub(crate) history: Option<History>,
    pub(crate) stop_on_signals: bool,
}

impl Consumer {
    /// Begins to build a consumer. `bootstrap_servers` is a list of `host:port` with commas
    /// (`bootstrap.servers`), `group_id` the consumer group (`group.id`).
    pub fn builder(bootstrap_servers: impl Into<String>, group_id: impl Into<String>) -> Builder {
        Builder::new(bootstrap_servers.into(), group_id.into())
    }

    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, route: Arc::new(Route::new()), subscribers: Arc::default() }
    }

    /// A handle to control the consumer with, from any task, before and while it runs.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.route), Arc::clone(&self.subscribers))
    }

    /// Runs until it is stopped, calling the handler with every record.
    ///
    /// A record is handled when its call returned `Ok`. Handlers run in the task that awaits this,
    /// up to `max_in_flight` at a time, so they may borrow what they need; one that computes for
    /// long belongs in `tokio::spawn` or `spawn_blocking` inside the handler, or it holds up the
    /// others. Handlers may take longer than `max.poll.interval.ms`. A panic is contained.
    ///
    /// To spawn the run itself, the handler must own what it uses: `async move |delivery| …`.
    ///
    /// # Errors
    ///
    /// When it cannot start, when a handler fails or panics, and when it cannot go on or stop
    /// cleanly. What ran beside a failed record is finished and committed up to it.
    pub async fn run<H>(self, handler: H) -> Result<(), RunError>
    where
        H: AsyncFn(Delivery) -> Result<(), Failure>,
    {
        let mut session = self.start(DeliveryUnit::Record)?;
        let call = |delivery: Delivery| handler(delivery);
        let desk = Arc::clone(session.desk());
        Driver::new(session.work(), desk, call).run().await;
        session.result().await
    }

    /// Runs until it is stopped, calling the handler with batches of records of one partition.
    ///
    /// Records about which the handler says nothing are handled when its call returned `Ok` and
    /// failed when it returned an error; [`Batch`] says how to speak about single records. Batches
    /// of a partition run one at a time unless the order is
    /// [`ProcessingOrder::Unordered`](crate::ProcessingOrder::Unordered).
    ///
    /// # Errors
    ///
    /// As for [`Consumer::run`].
    pub async fn run_batch<H>(self, handler: H) -> Result<(), RunError>
    where
        H: AsyncFn(Batch) -> Result<(), Failure>,
    {
        let mut session = self.start(DeliveryUnit::Batch)?;
        let call = |batch: Batch| handler(batch);
        let desk = Arc::clone(session.desk());
        Driver::new(session.work(), desk, call).run().await;
        session.result().await
    }

    /// A stream of deliveries that the application acknowledges itself. The consumer starts when
    /// the stream is polled first.
    pub fn into_stream(self) -> Deliveries {
        Deliveries::new(self)
    }

    /// Starts the engine's thread.
    pub(crate) fn start(&self, unit: DeliveryUnit) -> Result<Session, RunError> {
        Session::start(&self.plan, unit, &self.route, &self.subscribers)
    }
}

impl Plan {
    /// Checks everything that can be checked without a broker; nothing is touched.
    pub(crate) fn prepare(
        &self,
        unit: DeliveryUnit,
        observer: Option<Observer>,
    ) -> Result<Prepared, BuildError> {
        let plan = self.clone();
        let prepared = room::prepare(RoomConfig {
            bootstrap_servers: plan.bootstrap_servers,
            group: plan.group,
            topics: plan.topics,
            options: plan.options,
            engine: EngineConfig { delivery_unit: unit, ..plan.engine },
            max_batch: plan.max_batch_records,
            start_timeout: plan.start_timeout,
            observer,
        })?;
        Ok(prepared)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // Only a consumer that did not start still has the way to itself.
        if self.route.abandon() {
            self.subscribers.close();
        }
    }
}
