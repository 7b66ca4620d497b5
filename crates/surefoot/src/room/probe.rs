//! Looks at the cluster before anything is read.
//!
//! A wrong port, a wrong password and a misspelt topic look the same to a client that runs: it
//! waits and tries again, for ever. Before it runs, nothing is lost by giving up, so this asks a
//! client that joins nothing, and turns silence into the one sentence that names what to change.
//! It also counts the partitions, which the running client must know when it is made: its memory
//! is divided by them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ending::StartError;
use crate::kafka::native::{
    Client, Code, Event, Failure, Fault, Stability, TopicDescription, Waker,
};
use crate::kafka::settings::ClientSettings;
use crate::kafka::verdict::{self, Meaning};
use crate::link::Bell;
use surefoot_core::TopicPartition;

/// How long a topic may be unknown: brokers learn of a new topic one after the other.
const TOPIC_GRACE: Duration = Duration::from_secs(2);
/// Between two questions about such a topic.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long the coordinator may take. Its silence is no reason not to start: the running client
/// keeps asking.
const GROUP_TIMEOUT: Duration = Duration::from_secs(5);
/// The number of partitions taken for a subscription by pattern that matches an unknown number.
const PARTITIONS_OF_A_PATTERN: usize = 32;

const TOPICS: u64 = 1;
const GROUP: u64 = 2;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probed {
    /// The topics have this many partitions together.
    Ready(usize),
    /// The application wants to stop.
    Interrupted,
}

struct Probe<'a> {
    client: Client,
    settings: &'a ClientSettings,
    names: Vec<&'a str>,
    timeout: Duration,
    deadline: Instant,
    /// The last words of the client about brokers that it cannot reach.
    last_fault: Option<Fault>,
}

/// Looks at brokers, topics and the group. `interrupted` is asked whenever the bell rings.
pub(super) fn probe(
    settings: &ClientSettings,
    topics: &[String],
    timeout: Duration,
    bell: &Arc<Bell>,
    mut interrupted: impl FnMut() -> bool,
) -> Result<Probed, StartError> {
    let refused = |reason: String| StartError::Options { reason };
    let config = settings.native(1).map_err(|error| refused(error.to_string()))?;
    let ring: Waker = {
        let bell = Arc::clone(bell);
        Arc::new(move || bell.ring())
    };
    let client = Client::new(config, ring).map_err(|failure| refused(failure.message))?;
    let mut probe = Probe {
        client,
        settings,
        names: topics.iter().map(String::as_str).filter(|it| !it.starts_with('^')).collect(),
        timeout,
        deadline: Instant::now() + timeout,
        last_fault: None,
    };
    let patterns = topics.len() - probe.names.len();
    let mut partitions = if patterns > 0 { PARTITIONS_OF_A_PATTERN } else { 0 };
    if !probe.names.is_empty() {
        match probe.topics(bell, &mut interrupted)? {
            Probed::Ready(found) => partitions += found,
            Probed::Interrupted => return Ok(Probed::Interrupted),
        }
    }
    probe.group(bell, &mut interrupted).map(|it| match it {
        Probed::Ready(_) => Probed::Ready(partitions),
        Probed::Interrupted => Probed::Interrupted,
    })
}

impl Probe<'_> {
    fn topics(
        &mut self,
        bell: &Bell,
        interrupted: &mut impl FnMut() -> bool,
    ) -> Result<Probed, StartError> {
        let mut unknown_since = None;
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            self.client.describe_topics(TOPICS, &self.names, left);
            let Some(event) = self.wait(bell, interrupted, self.deadline)? else {
                return Ok(Probed::Interrupted);
            };
            let Event::DescribedTopics { result, .. } = event else { continue };
            let described = result.map_err(|failure| self.no_broker(&failure))?;
            let unknown = match self.count(&described) {
                Ok(partitions) => return Ok(Probed::Ready(partitions)),
                Err(unknown @ StartError::UnknownTopic { .. }) => unknown,
                Err(other) => return Err(other),
            };
            let since = *unknown_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= TOPIC_GRACE || Instant::now() >= self.deadline {
                return Err(unknown);
            }
            bell.answer();
            bell.wait(ASK_AGAIN_AFTER);
        }
    }

    /// How many partitions the topics have together.
    fn count(&self, described: &[TopicDescription]) -> Result<usize, StartError> {
        let mut partitions = 0;
        for TopicDescription { topic, result } in described {
            let topic = topic.clone();
            match result {
                Ok(facts) => partitions += facts.partitions,
                Err(failure) => match verdict::meaning_of(failure.code) {
                    Meaning::Gone => return Err(StartError::UnknownTopic { topic }),
                    Meaning::Unauthorized => {
                        let principal = self.settings.principal_or_anybody();
                        return Err(StartError::TopicUnauthorized { topic, principal });
                    }
                    Meaning::Invalid => {
                        let reason = failure.message.clone();
                        return Err(StartError::InvalidTopic { topic, reason });
                    }
                    // It exists, and its leader will be found.
                    _ => partitions += 1,
                },
            }
        }
        Ok(partitions)
    }

    fn group(
        &mut self,
        bell: &Bell,
        interrupted: &mut impl FnMut() -> bool,
    ) -> Result<Probed, StartError> {
        // Any partition will do: the group is looked at before the topic.
        let topic = self.names.first().copied().unwrap_or("any");
        let partition = TopicPartition::new(topic, 0);
        let left = self.deadline.saturating_duration_since(Instant::now()).min(GROUP_TIMEOUT);
        let group = self.settings.group();
        let asked = self.client.committed_offsets(
            GROUP,
            group,
            std::slice::from_ref(&partition),
            Stability::NotRequired,
            left,
        );
        if let Err(Failure { message: reason, .. }) = asked {
            return Err(StartError::Options { reason });
        }
        let deadline = Instant::now() + left + ASK_AGAIN_AFTER;
        let result = match self.wait(bell, interrupted, deadline) {
            Ok(Some(Event::CommittedOffsets { result, .. })) => result,
            Ok(Some(_)) => return Ok(Probed::Ready(0)),
            Ok(None) => return Ok(Probed::Interrupted),
            Err(StartError::NoBroker { .. }) if !self.names.is_empty() => {
                return Ok(Probed::Ready(0));
            }
            Err(other) => return Err(other),
        };
        let Err(failure) = result else { return Ok(Probed::Ready(0)) };
        match verdict::meaning_of(failure.code) {
            Meaning::Unauthorized => Err(StartError::GroupUnauthorized {
                group: group.to_owned(),
                principal: self.settings.principal_or_anybody(),
            }),
            // Nothing was heard from any broker: topics were not asked for.
            _ if self.names.is_empty() && self.last_fault.is_some() => {
                Err(self.no_broker(&failure))
            }
            _ => Ok(Probed::Ready(0)),
        }
    }

    /// The next answer; `None` if the application wants to stop.
    fn wait(
        &mut self,
        bell: &Bell,
        interrupted: &mut impl FnMut() -> bool,
        deadline: Instant,
    ) -> Result<Option<Event>, StartError> {
        loop {
            bell.answer();
            if interrupted() {
                return Ok(None);
            }
            while let Some(event) = self.client.poll_event(Duration::ZERO) {
                match event {
                    Event::Fault(fault) => self.on_fault(fault)?,
                    answer => return Ok(Some(answer)),
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = "no answer".to_owned();
                return Err(self.no_broker(&Failure { code: Code::TIMED_OUT, message }));
            }
            bell.wait(left);
        }
    }

    fn on_fault(&mut self, fault: Fault) -> Result<(), StartError> {
        tracing::debug!(code = %fault.code, "{}", fault.message);
        if fault.code == Code::AUTHENTICATION {
            return Err(StartError::Authentication {
                principal: self.settings.principal_or_anybody(),
                reason: fault.message,
            });
        }
        // It comes after the faults that say why.
        if fault.code != Code::ALL_BROKERS_DOWN || self.last_fault.is_none() {
            self.last_fault = Some(fault);
        }
        Ok(())
    }

    fn no_broker(&self, failure: &Failure) -> StartError {
        let servers = self.settings.option("bootstrap.servers").unwrap_or_default().to_owned();
        let (code, reason) = match &self.last_fault {
            Some(fault) => (fault.code, fault.message.clone()),
            None => (failure.code, failure.message.clone()),
        };
        if code == Code::SSL {
            return StartError::Tls { bootstrap_servers: servers, reason };
        }
        // A broker that hangs up on a stranger is no fault of its own: only that all are down is
        // told. One that cannot be connected to is told before.
        let answered_and_hung_up = code == Code::ALL_BROKERS_DOWN
            || ["Disconnected", "ApiVersion", "closed"].iter().any(|it| reason.contains(it));
        let encrypted =
            self.settings.option("security.protocol").is_some_and(|it| it.contains("ssl"));
        let hint = match (answered_and_hung_up, encrypted) {
            (true, false) => ", and whether the port wants TLS or SASL (`security.protocol`)",
            (true, true) => ", and whether the port speaks TLS (`security.protocol`)",
            (false, _) => "",
        };
        StartError::NoBroker { bootstrap_servers: servers, timeout: self.timeout, reason, hint }
    }
}
