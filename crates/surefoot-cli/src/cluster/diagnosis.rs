//! From what the Kafka client reports to what a person should change.
//!
//! The client names symptoms: "transport failure", "all brokers down", "timed out". The cause
//! stands in the text of its events, and which setting it concerns depends on what was set. That
//! knowledge is here, in one place, and every sentence of it was seen from a real broker.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::cluster::{Cluster, Fault};
use crate::complaint::Complaint;

/// What was being done when an error came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action<'a> {
    /// Listing the cluster's topics.
    List,
    /// Asking about a topic.
    Describe { topic: &'a str },
    /// Reading from a topic.
    Read { topic: &'a str },
    /// Writing to a topic.
    Write { topic: &'a str },
    /// Making a topic.
    Create { topic: &'a str },
    /// Joining a group, and committing for it.
    Join { group: &'a str },
}

impl Action<'_> {
    fn topic(&self) -> Option<&str> {
        match self {
            Self::List | Self::Join { .. } => None,
            Self::Describe { topic }
            | Self::Read { topic }
            | Self::Write { topic }
            | Self::Create { topic } => Some(topic),
        }
    }

    /// Kafka's name of the operation in an ACL.
    fn operation(&self) -> &'static str {
        match self {
            Self::List | Self::Describe { .. } => "Describe",
            Self::Read { .. } | Self::Join { .. } => "Read",
            Self::Write { .. } => "Write",
            Self::Create { .. } => "Create",
        }
    }
}

/// Whether waiting on can still help after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hope {
    /// The same will happen again: wrong credentials, an unknown certificate.
    None,
    /// All brokers refused; another address of the same name may answer.
    Little,
    /// One of several.
    Good,
}

/// Judges a fault during the first contact.
pub(super) fn hope(fault: &Fault) -> Hope {
    match fault.code {
        RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL => Hope::None,
        RDKafkaErrorCode::AllBrokersDown => Hope::Little,
        _ => Hope::Good,
    }
}

/// Why no broker answered.
pub(super) fn unreachable(faults: &[Fault], cluster: &Cluster) -> Complaint {
    let servers = cluster.option("bootstrap.servers").unwrap_or_default();
    let Some(fault) = most_telling(faults) else {
        let timeout = cluster.timeout();
        return Complaint::cluster(match faults {
            [] => format!("no answer from {servers} within {timeout:?}"),
            _ => format!("no broker of {servers} can be reached"),
        })
        .hint(
            "is it up? wrong port? is TLS missing (-X security.protocol=ssl)? --timeout waits \
             longer",
        );
    };
    let cause = cause(&fault.reason);
    let protocol = cluster.option("security.protocol").unwrap_or("plaintext");
    match fault.code {
        RDKafkaErrorCode::Authentication => wrong_credentials(servers, cause, cluster),
        RDKafkaErrorCode::SSL => no_tls(servers, cause, cluster),
        RDKafkaErrorCode::Resolve => {
            Complaint::cluster(format!("the name in {servers} cannot be resolved"))
                .hint("check --bootstrap-server")
        }
        _ if cause.contains("Connection refused") => {
            Complaint::cluster(format!("no broker at {servers}: connection refused"))
                .hint("is it up? wrong port? check --bootstrap-server")
        }
        _ if cause.contains("security.protocol") || cause.contains("Disconnected") => {
            let question = match protocol {
                "plaintext" => "is TLS or SASL missing?",
                _ => "does this port speak it?",
            };
            Complaint::cluster(format!("{servers} hung up during the handshake"))
                .hint(format!("security.protocol is {protocol}: {question} is it Kafka's port?"))
        }
        _ => Complaint::cluster(format!("no answer from {servers}: {cause}"))
            .hint("is it up? wrong port? is TLS missing (-X security.protocol=ssl)?"),
    }
}

/// The fault with a cause in it; the client repeats its symptom as "all brokers down" and in its
/// log.
fn most_telling(faults: &[Fault]) -> Option<&Fault> {
    let rank = |fault: &&Fault| match fault.code {
        RDKafkaErrorCode::Authentication => 3,
        RDKafkaErrorCode::SSL => 2,
        RDKafkaErrorCode::Resolve => 1,
        _ => 0,
    };
    faults.iter().filter(|fault| fault.code != RDKafkaErrorCode::AllBrokersDown).max_by_key(rank)
}

fn wrong_credentials(servers: &str, cause: &str, cluster: &Cluster) -> Complaint {
    let mechanism = cluster.option("sasl.mechanism").or_else(|| cluster.option("sasl.mechanisms"));
    let mechanism = mechanism.unwrap_or("GSSAPI");
    if cause.contains("mechanism") {
        return Complaint::cluster(format!("{servers} does not offer SASL mechanism {mechanism}"))
            .hint("set sasl.mechanism to one that the listener offers (-X or --config)");
    }
    let user = cluster.option("sasl.username").unwrap_or_default();
    Complaint::cluster(format!("{servers} refused the credentials of user {user:?}")).hint(format!(
        "check sasl.username, sasl.password (-X or --config) and sasl.mechanism, which is \
         {mechanism}"
    ))
}

fn no_tls(servers: &str, cause: &str, cluster: &Cluster) -> Complaint {
    let complaint = Complaint::cluster(format!("no TLS connection to {servers}: {cause}"));
    if cause.contains("certificate") {
        return complaint.hint(match cluster.option("ssl.ca.location") {
            Some(path) => format!("ssl.ca.location={path} does not vouch for this broker"),
            None => "set ssl.ca.location to the certificate authority's PEM file".to_owned(),
        });
    }
    complaint.hint("does this port speak TLS? check security.protocol and the port")
}

/// The client's text without the names of its thread and broker, and without its counters.
fn cause(reason: &str) -> &str {
    let mut text = reason;
    while let Some((name, rest)) = text.split_once(": ")
        && (name.starts_with("[thrd:") || (name.contains('/') && !name.contains(' ')))
    {
        text = rest;
    }
    let end = text.rfind(" (after ").unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// What an error of a call means, with the events that came before it.
pub(super) fn explain(
    error: &KafkaError,
    faults: &[Fault],
    action: &Action<'_>,
    cluster: &Cluster,
) -> Complaint {
    match error.rdkafka_error_code() {
        Some(code) if is_silence(code) => unreachable(faults, cluster),
        Some(code) => refusal(code, action, cluster),
        None => match error {
            KafkaError::AdminOp(code) if is_silence(*code) => unreachable(faults, cluster),
            KafkaError::AdminOp(code) => refusal(*code, action, cluster),
            error => Complaint::cluster(error.to_string()),
        },
    }
}

/// Whether the same question may be answered in a moment: leadership is being settled.
pub(super) fn is_passing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::FencedLeaderEpoch
                | RDKafkaErrorCode::UnknownLeaderEpoch
                | RDKafkaErrorCode::OffsetNotAvailable
                | RDKafkaErrorCode::ReplicaNotAvailable
        )
    )
}

/// Codes that only say that no answer came.
fn is_silence(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SSL
    )
}

/// What the cluster said no to.
pub(crate) fn refusal(code: RDKafkaErrorCode, action: &Action<'_>, cluster: &Cluster) -> Complaint {
    let topic = action.topic().unwrap_or_default();
    match code {
        RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownPartition => Complaint::cluster(format!(
            "there is no topic {topic:?}"
        ))
        .hint(format!(
            "`surefoot topics list` shows what there is, `surefoot topics create {topic}` makes it"
        )),
        RDKafkaErrorCode::TopicAuthorizationFailed => {
            no_permission("topic", topic, action, cluster)
        }
        // What an idempotent producer is told when it may write to no topic at all.
        RDKafkaErrorCode::ClusterAuthorizationFailed if matches!(action, Action::Write { .. }) => {
            no_permission("topic", topic, action, cluster)
        }
        RDKafkaErrorCode::ClusterAuthorizationFailed => {
            no_permission("cluster", "kafka-cluster", action, cluster)
        }
        RDKafkaErrorCode::GroupAuthorizationFailed if let Action::Join { group } = action => {
            no_permission("group", group, action, cluster)
        }
        RDKafkaErrorCode::TopicAlreadyExists => {
            Complaint::cluster(format!("topic {topic:?} is there already"))
                .hint(format!("`surefoot topics describe {topic}` shows it"))
        }
        RDKafkaErrorCode::InvalidTopic => {
            Complaint::cluster(format!("{topic:?} cannot be the name of a topic"))
                .hint("letters, digits, '.', '_' and '-', at most 249 of them")
        }
        RDKafkaErrorCode::InvalidReplicationFactor => {
            Complaint::cluster(format!("topic {topic:?} cannot have that many replicas here"))
                .hint("--replication-factor is at most the number of brokers")
        }
        RDKafkaErrorCode::InvalidPartitions => {
            Complaint::cluster(format!("topic {topic:?} cannot have that many partitions"))
                .hint("check --partitions")
        }
        RDKafkaErrorCode::InvalidConfig => Complaint::cluster(format!(
            "the cluster refused a setting of topic {topic:?}"
        ))
        .hint("check --set; Kafka's documentation lists the topic settings and their ranges"),
        RDKafkaErrorCode::PolicyViolation => {
            Complaint::cluster(format!("a policy of the cluster forbids topic {topic:?} as asked"))
                .hint("ask who runs the cluster for its create-topic policy")
        }
        code => Complaint::cluster(match action.topic() {
            Some(topic) => format!("{} of {topic:?}: {code}", verb(action)),
            None => format!("{}: {code}", verb(action)),
        })
        .hint("-v shows what the Kafka client logged"),
    }
}

fn verb(action: &Action<'_>) -> &'static str {
    match action {
        Action::List => "listing",
        Action::Describe { .. } => "description",
        Action::Read { .. } => "reading",
        Action::Write { .. } => "writing",
        Action::Create { .. } => "creation",
        Action::Join { .. } => "joining",
    }
}

fn no_permission(kind: &str, name: &str, action: &Action<'_>, cluster: &Cluster) -> Complaint {
    let operation = action.operation();
    let user = cluster.option("sasl.username");
    let who = match user {
        Some(user) => format!("user {user:?}"),
        None => "this client".to_owned(),
    };
    let principal = user.unwrap_or("NAME");
    let target = match kind {
        "topic" => format!("--topic {name}"),
        "group" => format!("--group {name}"),
        _ => "--cluster".to_owned(),
    };
    Complaint::cluster(format!("{who} has no permission for {operation} on {kind} {name:?}")).hint(
        format!(
            "use another sasl.username, or allow it: kafka-acls --add --allow-principal \
             User:{principal} --operation {operation} {target}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_what_the_client_says_without_its_names() {
        assert_eq!(
            cause(
                "[thrd:k:1/bootstrap]: k:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: \
                 Connection refused (after 0ms in state CONNECT)"
            ),
            "Connect to ipv4#10.0.0.1:1 failed: Connection refused"
        );
        assert_eq!(cause("1/1 brokers are down"), "1/1 brokers are down");
    }
}
