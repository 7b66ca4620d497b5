//! What a consumer is told before it runs.
//!
//! Everything that can be refused without a broker is refused by [`Builder::build`], by name and
//! with the reason: contradictions between guarantee, commit policy and client options are found on
//! the first start of a program and not on its first crash.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use surefoot_core::{
    Budget, CommitPolicy, DeliveryUnit, EngineConfig, Guarantee, ProcessingOrder, StartPolicy,
};

use crate::consumer::{Consumer, Plan};
use crate::error::BuildError;

/// Builds a [`Consumer`]; made by [`Consumer::builder`].
///
/// Everything has a default but the topics.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until build"]
pub struct Builder {
    bootstrap_servers: String,
    group: String,
    topics: Vec<String>,
    patterns: Vec<String>,
    guarantee: Guarantee,
    processing_order: ProcessingOrder,
    commit_policy: Option<CommitPolicy>,
    commit_timeout: Option<Duration>,
    budget: Budget,
    max_batch_records: NonZeroUsize,
    start: StartPolicy,
    start_timeout: Duration,
    drain_deadline: Option<Duration>,
    options: Vec<(String, String)>,
    history: Option<History>,
    stop_on_signals: bool,
}

/// Where a history goes.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) directory: PathBuf,
    pub(crate) member: String,
}

impl History {
    /// The member's name is a file's name, and Kafka's rule for topics is right for both.
    fn check(&self) -> Result<(), BuildError> {
        if is_topic_name(&self.member) {
            Ok(())
        } else {
            Err(BuildError::MemberName { member: self.member.clone() })
        }
    }
}

/// Kafka's longest topic name.
const MAX_TOPIC_BYTES: usize = 249;

/// As many records as a handler's single transaction or request commonly takes.
const MAX_BATCH_RECORDS: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");

impl Builder {
    pub(crate) fn new(bootstrap_servers: String, group: String) -> Self {
        Self {
            bootstrap_servers,
            group,
            topics: Vec::new(),
            patterns: Vec::new(),
            guarantee: Guarantee::AtLeastOnce,
            processing_order: ProcessingOrder::Key,
            commit_policy: None,
            commit_timeout: None,
            budget: Budget::default(),
            max_batch_records: MAX_BATCH_RECORDS,
            start: StartPolicy::default(),
            start_timeout: Duration::from_secs(10),
            drain_deadline: None,
            options: Vec::new(),
            history: None,
            stop_on_signals: false,
        }
    }

    /// Topics to read, by name, in addition to those given before. Each must exist when the
    /// consumer starts.
    pub fn topics(mut self, topics: impl IntoIterator<Item: Into<String>>) -> Self {
        self.topics.extend(topics.into_iter().map(Into::into));
        self
    }

    /// Topics to read by a regular expression that begins with `^`, such as `^orders-.*`, in
    /// addition to those given before. Topics that come to match later are read as soon as the
    /// client sees them (`topic.metadata.refresh.interval.ms`, five minutes by default); with no
    /// match yet the consumer waits.
    pub fn topic_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// What is promised about each record. Default [`Guarantee::AtLeastOnce`].
    ///
    /// At-most-once loses up to the commit window in a crash, one record by default, and commits
    /// before each start, so that a record takes at least a round trip to the coordinator; a larger
    /// window ([`CommitPolicy::Auto`]'s `every_records`) shares that between records.
    pub fn guarantee(mut self, guarantee: Guarantee) -> Self {
        self.guarantee = guarantee;
        self
    }

    /// Which records may be handled at the same time. Default [`ProcessingOrder::Key`].
    ///
    /// One partition at a time is slow where handlers wait; unordered is right only where a later
    /// record never overrules an earlier one.
    pub fn processing_order(mut self, order: ProcessingOrder) -> Self {
        self.processing_order = order;
        self
    }

    /// When offsets are committed. Default: at-least-once every second, at-most-once before each
    /// record. Takes the place of Kafka's `enable.auto.commit` and `auto.commit.interval.ms`.
    ///
    /// Rarely committing repeats more after a crash; very often costs the coordinator a request
    /// each time. A partition that is given back, and a stop, always commit, except under
    /// [`CommitPolicy::Manual`].
    pub fn commit_policy(mut self, policy: CommitPolicy) -> Self {
        self.commit_policy = Some(policy);
        self
    }

    /// How long a commit may stay unanswered before it counts as unknown. Default 10 s. Shorter
    /// than a coordinator's hiccup, requests are answered
    /// [`CommitAnswer::Unknown`](crate::CommitAnswer) that would have been done; under at-most-once
    /// nothing starts until it is settled.
    pub fn commit_timeout(mut self, timeout: Duration) -> Self {
        self.commit_timeout = Some(timeout);
        self
    }

    /// How much is held before reading stops: handlers that run, records and bytes that wait. The
    /// fields say their defaults. Too little starves the handlers, too much costs memory; the byte
    /// budget also bounds what the client reads ahead.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The most records that a batch handler is called with. Default 1,000. Small batches give
    /// away what batching saves; large ones delay the commit unless the handler says how far it
    /// came ([`Batch::finish`](crate::Batch::finish)). Kafka's `max.poll.records` is alike, though
    /// it bounds nothing here but one call.
    pub fn max_batch_records(mut self, records: NonZeroUsize) -> Self {
        self.max_batch_records = records;
        self
    }

    /// Where a partition starts without a committed offset, or with one that the log no longer
    /// has. Takes the place of Kafka's `auto.offset.reset`, which treats both alike. Default:
    /// without one at the beginning; with one outside the log, stop with an error and lose nothing
    /// silently.
    pub fn start(mut self, start: StartPolicy) -> Self {
        self.start = start;
        self
    }

    /// How long the first answers of the brokers may take: who they are, the topics, the group.
    /// Default 10 s. Too short fails a start while a broker restarts; too long hides a wrong
    /// address.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// How long handlers that run may take when partitions are given back or the consumer stops.
    /// Default 30 s. Too short, graceful changes repeat records; too long, a rebalance of the whole
    /// group waits for one slow handler. It must be below `max.poll.interval.ms` (five minutes by
    /// default): the group waits no longer than that.
    pub fn drain_deadline(mut self, deadline: Duration) -> Self {
        self.drain_deadline = Some(deadline);
        self
    }

    /// The name that brokers log and set quotas by (`client.id`). Default `surefoot`.
    pub fn client_id(self, id: impl Into<String>) -> Self {
        self.option("client.id", id)
    }

    /// A name of this member that survives restarts (`group.instance.id`): a restart within
    /// `session.timeout.ms` causes no rebalance. No two processes may share one: the older is
    /// fenced and stops with [`RunError::InstanceFenced`](crate::RunError). Default: none.
    pub fn group_instance_id(self, id: impl Into<String>) -> Self {
        self.option("group.instance.id", id)
    }

    /// Which records are read (`isolation.level`). Default [`IsolationLevel::ReadCommitted`].
    pub fn isolation_level(self, level: IsolationLevel) -> Self {
        let level = match level {
            IsolationLevel::ReadCommitted => "read_committed",
            IsolationLevel::ReadUncommitted => "read_uncommitted",
        };
        self.option("isolation.level", level)
    }

    /// An option of librdkafka by its own name, such as `security.protocol` or
    /// `session.timeout.ms`; the last value given counts. Options that would undo the guarantee are
    /// refused by [`Builder::build`].
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }

    /// Several options, as [`Builder::option`] takes one.
    pub fn options<N, V>(mut self, options: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        self.options.extend(options.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Writes what this consumer does to the next file `<member>-<incarnation>.ndjson` in
    /// `directory`, for `surefoot check`. Two lines a record, each on the way to the disk before it
    /// counts: for tests and for finding out, not for every day. If it cannot be written the
    /// consumer stops. Default: none.
    pub fn record_history(
        mut self,
        directory: impl Into<PathBuf>,
        member: impl Into<String>,
    ) -> Self {
        self.history = Some(History { directory: directory.into(), member: member.into() });
        self
    }

    /// Stops with a drain on SIGTERM and SIGINT, as [`Handle::stop`](crate::Handle::stop) does. A
    /// second signal ends the process at once with status 128 + its number, and commits nothing
    /// that is unfinished. Default: signals are left alone.
    ///
    /// From the start of the first such consumer on, the process's signals are handled here: once
    /// none of them runs, a signal ends the process.
    pub fn stop_on_signals(mut self) -> Self {
        self.stop_on_signals = true;
        self
    }

    /// Checks everything that can be checked without a broker.
    ///
    /// # Errors
    ///
    /// The first thing found that is missing, unknown, or contradicts another.
    pub fn build(self) -> Result<Consumer, BuildError> {
        self.check_topics()?;
        if let Some(history) = &self.history {
            history.check()?;
        }
        let plan = Plan {
            engine: self.engine_config(),
            bootstrap_servers: self.bootstrap_servers,
            group: self.group,
            topics: self.topics.into_iter().chain(self.patterns).collect(),
            options: self.options,
            max_batch_records: self.max_batch_records,
            start_timeout: self.start_timeout,
            history: self.history,
            stop_on_signals: self.stop_on_signals,
        };
        plan.prepare(DeliveryUnit::Record, None)?;
        Ok(Consumer::new(plan))
    }

    fn engine_config(&self) -> EngineConfig {
        let mut config = EngineConfig::new(self.guarantee);
        config.processing_order = self.processing_order;
        config.budget = self.budget;
        config.start = self.start;
        if let Some(policy) = self.commit_policy {
            config.commit = policy;
        }
        if let Some(deadline) = self.drain_deadline {
            config.drain_deadline = deadline;
        }
        if let Some(timeout) = self.commit_timeout {
            config.commit_timeout = timeout;
        }
        config
    }

    fn check_topics(&self) -> Result<(), BuildError> {
        if self.topics.is_empty() && self.patterns.is_empty() {
            return Err(BuildError::NoTopics);
        }
        if let Some(topic) = self.topics.iter().find(|topic| !is_topic_name(topic)) {
            return Err(BuildError::TopicName { topic: topic.clone() });
        }
        if let Some(pattern) = self.patterns.iter().find(|pattern| !pattern.starts_with('^')) {
            return Err(BuildError::TopicPattern { pattern: pattern.clone() });
        }
        Ok(())
    }
}

/// Which records of transactions are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    /// Records whose transaction committed, and those outside transactions. Reading waits at the
    /// first open transaction.
    ReadCommitted,
    /// Everything in the log, aborted records too.
    ReadUncommitted,
}

fn is_topic_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_TOPIC_BYTES).contains(&name.len())
        && name.bytes().all(is_allowed)
        && name != "."
        && name != ".."
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use surefoot_core::CommitPolicy;

    use super::*;

    #[test]
    fn topics_alone_are_enough() {
        assert!(orders().build().is_ok());
    }

    #[test]
    fn what_is_missing_or_misspelt_is_named() {
        let check = |builder: Builder| builder.build().unwrap_err().to_string();
        insta::assert_snapshot!(
            check(Consumer::builder("localhost:9092", "billing")),
            @"no topic is given: name one with topics, or a pattern with topic_pattern"
        );
        insta::assert_snapshot!(
            check(orders().topics(["order lines"])),
            @"topic `order lines` is no topic name: use 1 to 249 of the characters a-z A-Z 0-9 . _ - (for several by pattern: topic_pattern)"
        );
        insta::assert_snapshot!(
            check(orders().topic_pattern("orders-.*")),
            @"topic pattern `orders-.*` does not begin with ^: write `^orders-.*`, or `^.*orders-.*`"
        );
        insta::assert_snapshot!(
            check(Consumer::builder("localhost:9092", "").topics(["orders"])),
            @"group.id is empty: give the name of the consumer group"
        );
        insta::assert_snapshot!(
            check(orders().record_history("/tmp", "a/b")),
            @"record_history: member `a/b` cannot be part of a file's name: use letters, digits, `.`, `_` and `-`"
        );
    }

    #[test]
    fn what_contradicts_the_guarantee_is_refused_with_the_reason() {
        let check = |builder: Builder| builder.build().unwrap_err().to_string();
        insta::assert_snapshot!(
            check(orders().option("enable.auto.commit", "true")),
            @"client option `enable.auto.commit` = `true` cannot be set: commits follow the commit policy; choose one with commit_policy"
        );
        insta::assert_snapshot!(
            check(orders().guarantee(Guarantee::AtMostOnce).commit_policy(CommitPolicy::Manual)),
            @"at-most-once starts a record only after its commit: manual commits cannot hold it, use at-least-once"
        );
        let every = CommitPolicy::Auto {
            every_records: NonZeroU32::new(10),
            every: Some(Duration::from_secs(1)),
        };
        insta::assert_snapshot!(
            check(orders().guarantee(Guarantee::AtMostOnce).commit_policy(every)),
            @"at-most-once commits ahead of each start: a commit interval cannot apply, give a number of records (every_records) only"
        );
        insta::assert_snapshot!(
            check(orders().drain_deadline(Duration::ZERO)),
            @"drain deadline is zero: running handlers could never finish before a release"
        );
        insta::assert_snapshot!(
            check(orders().drain_deadline(Duration::from_secs(300))),
            @"drain deadline of 300s is not below `max.poll.interval.ms` (300s): the group waits no longer than that for partitions to be given back, and would hand them out while they drain; lower drain_deadline or raise `max.poll.interval.ms`"
        );
    }

    #[test]
    fn typed_settings_and_options_are_one_list_of_which_the_last_counts() {
        let check =
            |builder: Builder| builder.isolation_level(IsolationLevel::ReadCommitted).build();
        assert!(check(orders().option("isolation.level", "nonsense")).is_ok());
        let last = orders()
            .isolation_level(IsolationLevel::ReadCommitted)
            .option("isolation.level", "nonsense");
        assert!(last.build().unwrap_err().to_string().contains("isolation.level"));
    }

    fn orders() -> Builder {
        Consumer::builder("localhost:9092", "billing").topics(["orders"])
    }
}
