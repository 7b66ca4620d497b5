//! What the nodes and their clients are configured with.
//!
//! Kafka's defaults suit a fleet: it waits three seconds before a group's first rebalance, spreads
//! fifty offset partitions, notices a dead broker after nine seconds. A test pays each of these
//! many times over, so they are turned down here, in one place, and nothing that changes what a
//! client may rely on is. A setting given by hand wins, except where it would move the harness's
//! own feet: ports, ids, directories.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Where clients may connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listeners {
    /// One plaintext listener; whoever connects may do everything.
    #[default]
    Open,
    /// A SASL/PLAIN listener with ACLs beside the open one; see [`User`].
    OpenAndSecure,
}

/// Who may log in on the secure listener; the password is the name and `-secret`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum User {
    /// May do everything.
    Admin,
    /// May do nothing until an ACL allows it.
    Alice,
    /// May do nothing until an ACL allows it.
    Bob,
}

impl User {
    pub(crate) const ALL: [Self; 3] = [Self::Admin, Self::Alice, Self::Bob];

    /// The name that logs in.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Alice => "alice",
            Self::Bob => "bob",
        }
    }

    /// The password of that name.
    pub fn password(self) -> String {
        format!("{}-secret", self.name())
    }
}

/// One broker setting given by hand, `key=value` in Kafka's own spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    key: String,
    value: String,
}

// A test finds nodes by these; another value would cut it off from its own cluster.
const CHOSEN_BY_HARNESS: [&str; 9] = [
    "advertised.listeners",
    "controller.listener.names",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.dirs",
    "node.id",
    "process.roles",
];

impl FromStr for Setting {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (key, value) = text
            .split_once('=')
            .with_context(|| format!("`{text}` sets nothing: write it as KEY=VALUE"))?;
        if key.is_empty() || text.contains('\n') {
            bail!("`{text}` is no broker setting: write it as KEY=VALUE on one line");
        }
        if CHOSEN_BY_HARNESS.contains(&key) {
            bail!("`{key}` is chosen by the harness: leave it out");
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

/// A node's number and its ports on 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeAddress {
    pub(crate) number: u32,
    pub(crate) open: u16,
    pub(crate) controller: u16,
    pub(crate) secure: Option<u16>,
}

/// The `server.properties` of `node`, one of `cluster`, with its data under `data`.
pub(crate) fn server_properties(
    cluster: &[NodeAddress],
    node: &NodeAddress,
    data: &Path,
    by_hand: &[Setting],
) -> String {
    let mut properties = addresses(cluster, node);
    properties.insert("log.dirs".to_owned(), data.display().to_string());
    let replicas = cluster.len().min(3);
    properties.extend(speedups().map(|(key, value)| (key.to_owned(), value.to_owned())));
    properties.extend(replication(replicas).map(|(key, n)| (key.to_owned(), n.to_string())));
    if node.secure.is_some() {
        properties.extend(security().map(|(key, value)| (key.to_owned(), value)));
    }
    properties.extend(by_hand.iter().map(|it| (it.key.clone(), it.value.clone())));
    as_text(&properties)
}

/// What a Java client or one of Kafka's tools needs to log in as `user`.
pub(crate) fn client_properties(user: User) -> String {
    format!(
        "security.protocol=SASL_PLAINTEXT\n\
         sasl.mechanism=PLAIN\n\
         sasl.jaas.config={LOGIN_MODULE} required username=\"{}\" password=\"{}\";\n",
        user.name(),
        user.password(),
    )
}

const LOGIN_MODULE: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";

fn addresses(cluster: &[NodeAddress], node: &NodeAddress) -> BTreeMap<String, String> {
    let voters: Vec<String> =
        cluster.iter().map(|it| format!("{}@127.0.0.1:{}", it.number, it.controller)).collect();
    let mut advertised = format!("OPEN://127.0.0.1:{}", node.open);
    let mut protocols = "OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    if let Some(port) = node.secure {
        let _ = write!(advertised, ",SECURE://127.0.0.1:{port}"); // a String takes every write
        protocols.push_str(",SECURE:SASL_PLAINTEXT");
    }
    let listeners = format!("{advertised},CONTROLLER://127.0.0.1:{}", node.controller);
    [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", node.number.to_string()),
        ("controller.quorum.voters", voters.join(",")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("inter.broker.listener.name", "OPEN".to_owned()),
        ("listeners", listeners),
        ("advertised.listeners", advertised),
        ("listener.security.protocol.map", protocols),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn speedups() -> [(&'static str, &'static str); 11] {
    [
        // A test names its topics; one created by a typo would hide a mistake.
        ("auto.create.topics.enable", "false"),
        // A group's first rebalance begins with its first member, not three seconds later.
        ("group.initial.rebalance.delay.ms", "0"),
        // Zombie tests outlive a session; at Kafka's minimum of six seconds each would wait it out.
        ("group.min.session.timeout.ms", "1000"),
        // A killed broker is noticed in three seconds, not nine.
        ("broker.session.timeout.ms", "3000"),
        ("broker.heartbeat.interval.ms", "500"),
        // Fifty partitions each, of a topic that one test uses, are start-up time.
        ("offsets.topic.num.partitions", "8"),
        ("transaction.state.log.num.partitions", "8"),
        ("share.coordinator.state.topic.num.partitions", "2"),
        // Retention, compaction and transaction timeouts act within a second of being due.
        ("log.retention.check.interval.ms", "1000"),
        ("log.cleaner.backoff.ms", "500"),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "500"),
    ]
}

fn replication(replicas: usize) -> [(&'static str, usize); 7] {
    // With three nodes one may be down and writes go on.
    let in_sync = replicas.saturating_sub(1).max(1);
    [
        ("default.replication.factor", replicas),
        ("min.insync.replicas", in_sync),
        ("offsets.topic.replication.factor", replicas),
        ("transaction.state.log.replication.factor", replicas),
        ("transaction.state.log.min.isr", in_sync),
        ("share.coordinator.state.topic.replication.factor", replicas),
        ("share.coordinator.state.topic.min.isr", in_sync),
    ]
}

fn security() -> [(&'static str, String); 4] {
    let users: Vec<String> = User::ALL
        .iter()
        .map(|user| format!("user_{}=\"{}\"", user.name(), user.password()))
        .collect();
    [
        ("sasl.enabled.mechanisms", "PLAIN".to_owned()),
        (
            "listener.name.secure.plain.sasl.jaas.config",
            format!("{LOGIN_MODULE} required {};", users.join(" ")),
        ),
        (
            "authorizer.class.name",
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
        ),
        // The open listener and the nodes among themselves log in as nobody.
        ("super.users", "User:ANONYMOUS;User:admin".to_owned()),
    ]
}

fn as_text(properties: &BTreeMap<String, String>) -> String {
    properties.iter().fold(String::new(), |mut text, (key, value)| {
        // In a properties file a backslash begins an escape.
        let value = value.replace('\\', "\\\\");
        let _ = writeln!(text, "{key}={value}"); // a String takes every write
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_nodes_know_each_other_and_keep_two_replicas_in_sync() {
        let text = properties(3, None, &[]);
        has(&text, "controller.quorum.voters=1@127.0.0.1:11,2@127.0.0.1:21,3@127.0.0.1:31");
        has(&text, "listeners=OPEN://127.0.0.1:10,CONTROLLER://127.0.0.1:11");
        has(&text, "min.insync.replicas=2");
        has(&text, "offsets.topic.replication.factor=3");
        has(&text, "log.dirs=data");
    }

    #[test]
    fn one_node_replicates_nothing() {
        let text = properties(1, None, &[]);
        has(&text, "min.insync.replicas=1");
        has(&text, "offsets.topic.replication.factor=1");
        assert!(!text.contains("SECURE"), "{text}");
        assert!(!text.contains("authorizer"), "{text}");
    }

    #[test]
    fn the_secure_listener_has_users_and_acls() {
        let text = properties(1, Some(12), &[]);
        has(&text, "advertised.listeners=OPEN://127.0.0.1:10,SECURE://127.0.0.1:12");
        has(&text, "super.users=User:ANONYMOUS;User:admin");
        assert!(text.contains("user_alice=\"alice-secret\""), "{text}");
    }

    #[test]
    fn a_setting_by_hand_wins() {
        let text = properties(1, None, &["min.insync.replicas=7", "sasl.extra=a=b"]);
        has(&text, "min.insync.replicas=7");
        has(&text, "sasl.extra=a=b");
        assert!(!text.contains("min.insync.replicas=1"), "{text}");
    }

    #[test]
    fn settings_that_would_break_the_harness_are_refused() {
        for text in ["", "retention", "=1", "a=1\nb=2", "listeners=x", "log.dirs=data"] {
            assert!(text.parse::<Setting>().is_err(), "{text}");
        }
        let text = properties(1, Some(12), &[]);
        for line in text.lines() {
            let key = line.split('=').next().unwrap();
            let chosen = addresses(&[], &address(1, None)).contains_key(key) || key == "log.dirs";
            assert_eq!(line.parse::<Setting>().is_err(), chosen, "{line}");
        }
    }

    #[test]
    fn a_client_logs_in_by_its_own_name() {
        let text = client_properties(User::Bob);
        assert!(text.contains("username=\"bob\" password=\"bob-secret\";"), "{text}");
    }

    fn address(number: u32, secure: Option<u16>) -> NodeAddress {
        let ten = u16::try_from(number).unwrap() * 10;
        NodeAddress { number, open: ten, controller: ten + 1, secure }
    }

    /// What node 1 of a cluster of `nodes` is configured with.
    fn properties(nodes: u32, secure: Option<u16>, by_hand: &[&str]) -> String {
        let cluster: Vec<_> = (1..=nodes).map(|number| address(number, secure)).collect();
        let by_hand: Vec<Setting> = by_hand.iter().map(|it| it.parse().unwrap()).collect();
        server_properties(&cluster, &cluster[0], Path::new("data"), &by_hand)
    }

    #[track_caller]
    fn has(text: &str, line: &str) {
        assert!(text.lines().any(|it| it == line), "no line `{line}` in\n{text}");
    }
}
