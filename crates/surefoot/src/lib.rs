//! Kafka consumption that never loses its place.
//!
//! Say which delivery [`Guarantee`] you want; a [`Consumer`] runs your handler, keeps the offsets,
//! and survives crashes and rebalances without losing a record (at-least-once) or starting one
//! twice (at-most-once). Committed offsets are in the consumer group, where every other client and
//! Kafka's own tools see them.
//!
//! ```no_run
//! use surefoot::{Consumer, Delivery, Failure, Guarantee, ProcessingOrder};
//! # struct Pool;
//! # impl Pool { async fn connect(_: &str) -> Result<Pool, Failure> { Ok(Pool) } }
//! # async fn charge(_pool: &Pool, _order: Option<&[u8]>) -> Result<(), Failure> { Ok(()) }
//!
//! # async fn example() -> Result<(), Failure> {
//! let pool = Pool::connect("postgres://localhost/billing").await?;
//! let consumer = Consumer::builder("localhost:9092", "billing")
//!     .topics(["orders"])
//!     .guarantee(Guarantee::AtLeastOnce)
//!     .processing_order(ProcessingOrder::Key)
//!     .build()?;
//! let handle = consumer.handle(); // pause, seek, commit, lag, snapshot, stop: from any task
//! consumer.run(async |delivery: Delivery| charge(&pool, delivery.payload()).await).await?;
//! # drop(handle);
//! # Ok(())
//! # }
//! ```
//!
//! The handler borrows the pool: handlers run in the task that awaits the run, up to 256 at a time
//! by default, and under [`ProcessingOrder::Key`] records of one key one after the other. A record
//! is committed only when its handler returned `Ok`, and only after every record before it.
//!
//! # Three ways to consume
//!
//! - [`Consumer::run`]: a call for every record, as above.
//! - [`Consumer::run_batch`]: a call for many records of a partition; [`Batch`] lets the handler
//!   say how far it came, and which record failed.
//! - [`Consumer::into_stream`]: the application takes deliveries and acknowledges each itself.
//!
//! ```no_run
//! # use surefoot::{Batch, Consumer, Failure};
//! # async fn insert(_rows: Vec<&[u8]>) -> Result<(), Failure> { Ok(()) }
//! # async fn example(consumer: Consumer) -> Result<(), Failure> {
//! consumer
//!     .run_batch(async |batch: Batch| {
//!         let rows = batch.iter().filter_map(|record| record.payload()).collect();
//!         insert(rows).await
//!     })
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! ```no_run
//! # use surefoot::{Consumer, Failure};
//! # fn store(_payload: Option<&[u8]>) -> Result<(), Failure> { Ok(()) }
//! # async fn example(consumer: Consumer) -> Result<(), Failure> {
//! let mut deliveries = consumer.into_stream();
//! while let Some(delivery) = deliveries.next().await {
//!     let delivery = delivery?;
//!     match store(delivery.payload()) {
//!         Ok(()) => delivery.done(),
//!         Err(failure) => delivery.fail(failure),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Spawning
//!
//! A run that is spawned outlives the function that spawns it, so its handler must own what it
//! uses:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use surefoot::{Consumer, Delivery, Failure};
//! # struct Pool;
//! # async fn charge(_pool: &Pool, _order: Option<&[u8]>) -> Result<(), Failure> { Ok(()) }
//! # async fn example(consumer: Consumer, pool: Arc<Pool>) {
//! tokio::spawn(
//!     consumer.run(async move |delivery: Delivery| charge(&pool, delivery.payload()).await),
//! );
//! # }
//! ```
//!
//! # When a handler fails
//!
//! The consumer starts nothing new, finishes what runs, commits up to the failed record, leaves the
//! group, and returns [`RunError::HandlerFailed`] with the record's coordinates. A panic does the
//! same. The next run begins with that record.
//!
//! The page `docs/delivery.md` in the repository says what each guarantee means at each point where
//! a process can die.

mod batch;
mod builder;
mod consumer;
mod delivery;
mod error;
mod event;
mod handle;
mod history;
mod kafka;
mod lag;
mod link;
mod payloads;
mod record;
mod room;
mod route;
mod run;
mod signal;
mod snapshot;
mod stream;

pub use batch::{Batch, BatchError};
pub use builder::{Builder, IsolationLevel};
pub use consumer::Consumer;
pub use delivery::Delivery;
pub use error::{BuildError, ControlError, Failure, RunError};
pub use event::{AssignmentEvent, Events};
pub use handle::{CommitAnswer, Handle, SeekAnswer};
pub use kafka::settings::SettingsError;
pub use record::{Header, Record};
pub use room::StartError;
pub use snapshot::{PartitionSnapshot, Snapshot};
pub use stream::{Deliveries, OpenDelivery};
pub use surefoot_core::{
    Attempt, Budget, CommitPolicy, ConfigError, Counters, FetchFailure, Guarantee, HeadOfLine,
    HeadState, Offset, OutOfRange, PauseReason, Phase, Position, ProcessingOrder, SeekTo, StartAt,
    StartPolicy, StartProblem, Term, TopicPartition, Unfinished,
};
