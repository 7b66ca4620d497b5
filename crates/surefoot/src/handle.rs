//! Control of a running consumer, from any task.
//!
//! A handle only asks: the engine's thread decides, in the order of its other inputs, so that a
//! commit or a seek never meets half a rebalance. What a rebalance does to a request is an answer
//! and not an error. Requests made before the consumer runs wait for it.

use std::sync::Arc;
use std::time::Duration;

use surefoot_core::{Answer, Control, Position, SeekTo, TopicPartition};
use tokio::sync::oneshot;

use crate::error::ControlError;
use crate::event::{Events, Subscribers};
use crate::link::{Message, OffsetsAnswer, Query};
use crate::route::Route;
use crate::snapshot::Snapshot;

/// Controls a consumer. Cheap to clone, usable from any task and thread.
///
/// Requests are answered by the consumer's own thread while it runs, so handlers may await them
/// too. Requests made before it runs wait for it; once it is over they return
/// [`ControlError::NotRunning`].
#[derive(Clone, Debug)]
pub struct Handle {
    route: Arc<Route>,
    subscribers: Arc<Subscribers>,
}

/// How a commit ended. None of the three is an error; a rebalance is no error either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitAnswer {
    /// The group stores what was asked for, or more.
    Committed,
    /// A partition went to another consumer, or was sought, before the commit did. Its next owner
    /// goes on from what the group stores.
    TermEnded,
    /// The coordinator did not answer in time (`commit_timeout`): the commit may or may not have
    /// happened. The consumer goes on, and commits again what is finished.
    Unknown,
}

/// How a seek ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekAnswer {
    /// What is delivered from here on was read at the new place.
    Moved,
    /// The partition went to another consumer, or was sought again, before the seek was done.
    TermEnded,
    /// Where the seek goes could not be found out.
    Unknown,
}

impl Handle {
    pub(crate) fn new(route: Arc<Route>, subscribers: Arc<Subscribers>) -> Self {
        Self { route, subscribers }
    }

    /// Commits what is finished of every partition now, without waiting for the commit policy.
    ///
    /// The committed position never passes a record that is not finished, so this is safe at any
    /// time; with [`CommitPolicy::Manual`](crate::CommitPolicy::Manual) it is what commits.
    ///
    /// # Errors
    ///
    /// When the group may not be used, or the consumer is stopping or not running.
    pub async fn commit(&self) -> Result<CommitAnswer, ControlError> {
        self.commit_control(Control::Commit(Vec::new())).await
    }

    /// Commits these positions: the next record to be read of each partition.
    ///
    /// Below the frontier it commits less than could be. Above it, the records in between are
    /// skipped: they are logged and not handled, which is how a record that can never be handled
    /// is passed.
    ///
    /// # Errors
    ///
    /// When a record that would be skipped is being handled, when a position lies below the
    /// committed one (a reset: stop the group and move its offset) or above everything that was
    /// read, and when a partition is not assigned. Nothing of the request is done then.
    pub async fn commit_at(
        &self,
        positions: impl IntoIterator<Item = (TopicPartition, Position)>,
    ) -> Result<CommitAnswer, ControlError> {
        self.commit_control(Control::CommitAt(positions.into_iter().collect())).await
    }

    /// What the group stores for these partitions, asked of the coordinator; for all assigned ones
    /// if none are named. `None` where it stores nothing.
    ///
    /// # Errors
    ///
    /// When the coordinator does not answer, or the consumer is not running.
    pub async fn committed(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<Vec<(TopicPartition, Option<Position>)>, ControlError> {
        let partitions = partitions.into_iter().collect();
        self.offsets(|answer| Query::Committed(partitions, answer)).await
    }

    /// The next offset to read of every assigned partition whose start is known.
    ///
    /// # Errors
    ///
    /// When the consumer is not running.
    pub async fn positions(&self) -> Result<Vec<(TopicPartition, Position)>, ControlError> {
        let held = self.snapshot().await?.partitions.into_iter();
        Ok(held.filter_map(|held| Some((held.partition, held.position?))).collect())
    }

    /// How far every assigned partition is behind the end of its log, as
    /// [`PartitionSnapshot::lag`](crate::PartitionSnapshot::lag) counts. Partitions whose lag is
    /// not known yet are left out.
    ///
    /// # Errors
    ///
    /// When the consumer is not running.
    pub async fn lag(&self) -> Result<Vec<(TopicPartition, u64)>, ControlError> {
        let held = self.snapshot().await?.partitions.into_iter();
        Ok(held.filter_map(|held| Some((held.partition.clone(), held.lag()?))).collect())
    }

    /// Goes on reading a partition at another place.
    ///
    /// Records that were read and not started are dropped; handlers that run are told
    /// ([`Delivery::is_cancelled`](crate::Delivery::is_cancelled)) and no longer count. Seeking
    /// back repeats records; seeking forward skips them, which is logged. Under an automatic commit
    /// policy the new place is committed at once, forward or back, so that a restart goes on there.
    ///
    /// # Errors
    ///
    /// When the partition is not assigned, or the consumer is stopping or not running.
    pub async fn seek(
        &self,
        partition: TopicPartition,
        to: SeekTo,
    ) -> Result<SeekAnswer, ControlError> {
        match self.control(Control::Seek(partition, to)).await? {
            Answer::TermEnded => Ok(SeekAnswer::TermEnded),
            Answer::Unknown => Ok(SeekAnswer::Unknown),
            Answer::Refused(refusal) => Err(refusal.into()),
            Answer::Accepted | Answer::Committed => Ok(SeekAnswer::Moved),
        }
    }

    /// The first offset at or after a time, in milliseconds since the Unix epoch, of these
    /// partitions; of all assigned ones if none are named. `None` where no record is that young.
    /// Nothing moves.
    ///
    /// # Errors
    ///
    /// When a broker does not answer, or the consumer is not running.
    pub async fn offsets_for_time(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
        timestamp: i64,
    ) -> Result<Vec<(TopicPartition, Option<Position>)>, ControlError> {
        let partitions = partitions.into_iter().collect();
        self.offsets(|answer| Query::OffsetsForTime(partitions, timestamp, answer)).await
    }

    /// Starts nothing more of these partitions until [`Handle::resume`]. Handlers that run go on,
    /// what is finished is committed, and the partitions stay assigned.
    ///
    /// A pause outlives a seek. A partition that goes to another consumer and comes back is not
    /// paused any more.
    ///
    /// # Errors
    ///
    /// When one is not assigned, or the consumer is stopping or not running.
    pub async fn pause(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<(), ControlError> {
        self.flow(partitions.into_iter().collect(), Control::Pause).await
    }

    /// Undoes [`Handle::pause`].
    ///
    /// # Errors
    ///
    /// As for [`Handle::pause`].
    pub async fn resume(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<(), ControlError> {
        self.flow(partitions.into_iter().collect(), Control::Resume).await
    }

    /// Pauses the partitions of a topic that are assigned now; of none if there are none.
    ///
    /// # Errors
    ///
    /// When the consumer is stopping or not running.
    pub async fn pause_topic(&self, topic: &str) -> Result<(), ControlError> {
        self.flow(self.assigned(topic).await?, Control::Pause).await
    }

    /// Undoes [`Handle::pause_topic`].
    ///
    /// # Errors
    ///
    /// When the consumer is stopping or not running.
    pub async fn resume_topic(&self, topic: &str) -> Result<(), ControlError> {
        self.flow(self.assigned(topic).await?, Control::Resume).await
    }

    /// A copy of what the consumer holds: lag, positions, what is in flight, and which record holds
    /// a commit back.
    ///
    /// # Errors
    ///
    /// When the consumer is not running.
    pub async fn snapshot(&self) -> Result<Snapshot, ControlError> {
        self.query(Query::Snapshot).await
    }

    /// The changes of the assignment from here on: assigned, revoked, lost.
    pub fn events(&self) -> Events {
        self.subscribers.subscribe()
    }

    /// Stops the consumer: it takes no new work, finishes what runs within the drain deadline,
    /// commits, and leaves the group. Returns at once; `run` returns when it is over. Once is
    /// enough, and after the end nothing happens.
    pub fn stop(&self) {
        self.tell(Message::Stop(None));
    }

    /// Stops as [`Handle::stop`] does, with a deadline of its own.
    pub fn stop_within(&self, deadline: Duration) {
        self.tell(Message::Stop(Some(deadline)));
    }

    /// Stops at once: nothing more is started or committed, and nothing is waited for. Handlers are
    /// dropped where they wait. What was not committed is delivered again by the next run under
    /// at-least-once.
    pub fn abort(&self) {
        self.tell(Message::Abort);
    }

    async fn commit_control(&self, request: Control) -> Result<CommitAnswer, ControlError> {
        match self.control(request).await? {
            // Nothing to commit is committed.
            Answer::Committed | Answer::Accepted => Ok(CommitAnswer::Committed),
            Answer::TermEnded => Ok(CommitAnswer::TermEnded),
            Answer::Unknown => Ok(CommitAnswer::Unknown),
            Answer::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Pauses or resumes. A partition that just went away has no flow to change.
    async fn flow(
        &self,
        partitions: Vec<TopicPartition>,
        request: impl FnOnce(Vec<TopicPartition>) -> Control,
    ) -> Result<(), ControlError> {
        if partitions.is_empty() {
            return Ok(());
        }
        match self.control(request(partitions)).await? {
            Answer::Refused(refusal) => Err(refusal.into()),
            _ => Ok(()),
        }
    }

    async fn assigned(&self, topic: &str) -> Result<Vec<TopicPartition>, ControlError> {
        let topic = Arc::from(topic);
        self.query(|answer| Query::Assigned(Some(topic), answer)).await
    }

    async fn offsets(
        &self,
        query: impl FnOnce(oneshot::Sender<OffsetsAnswer>) -> Query,
    ) -> Result<Vec<(TopicPartition, Option<Position>)>, ControlError> {
        let offsets =
            self.query(query).await?.map_err(|reason| ControlError::NoAnswer { reason })?;
        let position =
            |(partition, offset): (_, Option<i64>)| (partition, offset.map(Position::new));
        Ok(offsets.into_iter().map(position).collect())
    }

    async fn control(&self, request: Control) -> Result<Answer, ControlError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Message::Control(request, answer));
        answered.await.map_err(|_| ControlError::NotRunning)
    }

    async fn query<T>(
        &self,
        query: impl FnOnce(oneshot::Sender<T>) -> Query,
    ) -> Result<T, ControlError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Message::Query(query(answer)));
        answered.await.map_err(|_| ControlError::NotRunning)
    }

    fn tell(&self, message: Message) {
        self.route.send(message);
    }
}
