//! Whether the topic keeps records as old as the ones that are sent.
//!
//! Retention counts from the record's own time. A record of last year that goes to a topic that
//! keeps a week is acknowledged and deleted minutes later, and nothing in Kafka says so. That is
//! not refused, since the brokers accept it, but it is said once.

use std::time::{SystemTime, UNIX_EPOCH};

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};

use crate::cluster::{Cluster, Events};
use crate::instant::render_millis;
use crate::produce::input::{Draft, LineNumber};

/// Looks at the time of each record until one is too old.
pub(super) struct Retention<'a> {
    cluster: &'a Cluster,
    topic: &'a str,
    state: State,
}

enum State {
    /// No record brought a time of its own yet.
    Unasked,
    /// Records before this moment are deleted.
    KeepsFrom(i64),
    /// Nothing is deleted by time, or it was said already.
    Settled,
}

impl<'a> Retention<'a> {
    pub(super) fn new(cluster: &'a Cluster, topic: &'a str) -> Self {
        Self { cluster, topic, state: State::Unasked }
    }

    /// A warning about this record, at most one a run.
    pub(super) fn warn(&mut self, line: LineNumber, draft: &Draft) -> Option<String> {
        let timestamp = draft.timestamp?;
        if let State::Unasked = self.state {
            self.state = match keeps_from(self.cluster, self.topic) {
                Some(moment) => State::KeepsFrom(moment),
                None => State::Settled,
            };
        }
        match self.state {
            State::KeepsFrom(moment) if timestamp < moment => {
                self.state = State::Settled;
                Some(format!(
                    "warning: line {line} is of {}, older than what {} keeps: Kafka will delete it \
                     (retention.ms; -1 keeps everything)",
                    render_millis(timestamp),
                    self.topic
                ))
            }
            _ => None,
        }
    }
}

/// `None` when the topic does not delete by time or does not say.
fn keeps_from(cluster: &Cluster, topic: &str) -> Option<i64> {
    let (events, _faults) = Events::channel();
    let admin: AdminClient<Events> = cluster.options().create_with_context(events).ok()?;
    let options = AdminOptions::new().request_timeout(Some(cluster.timeout()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    let resource = ResourceSpecifier::Topic(topic);
    let asked = admin.describe_configs([&resource], &options);
    // Without permission to see the settings there is nothing to warn of.
    let described = runtime.block_on(asked).ok()?.into_iter().next()?.ok()?;
    let setting = |name| described.get(name)?.value.clone();
    if !setting("cleanup.policy")?.contains("delete") {
        return None;
    }
    let retention: i64 = setting("retention.ms")?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis();
    let now = i64::try_from(now).ok()?;
    (retention >= 0).then(|| now.saturating_sub(retention))
}
