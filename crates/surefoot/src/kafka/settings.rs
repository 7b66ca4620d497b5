//! What the client is told, and the options that it must not be told.
//!
//! An application passes options through by librdkafka's own names. Most are its business. A few
//! would undo what the engine decides, and some contradict each other in ways that librdkafka
//! answers with silence (credentials without a security protocol are simply not used). These are
//! refused by name, with the reason, before a socket is opened.
//!
//! Memory is the hard part. The client buffers by itself, per partition, and frees a response only
//! when the last of its records is gone. The byte budget is therefore divided: half for what the
//! engine holds, half for what the client prefetches, in equal shares for the partitions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::native::{ConfigError, Isolation, NativeConfig};

/// Options of the client, checked against each other and against the guarantees.
#[derive(Clone, Debug)]
pub(crate) struct ClientSettings {
    options: BTreeMap<String, String>,
    group: String,
    isolation: Isolation,
    prefetch_bytes: usize,
}

/// Why client options are refused. Nothing was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A setting that must be given is empty.
    #[error("{option} is empty: {hint}")]
    Empty {
        /// The setting.
        option: &'static str,
        /// What to give.
        hint: &'static str,
    },
    /// The option would undo what the consumer decides.
    #[error("client option `{option}` = `{value}` cannot be set: {reason}")]
    Reserved {
        /// The option.
        option: String,
        /// The value, unless it is a secret.
        value: String,
        /// Why not, and what to use instead.
        reason: &'static str,
    },
    /// librdkafka does not know the option, or does not take the value.
    #[error("client option `{option}` = `{value}`: {message}")]
    Invalid {
        /// The option.
        option: String,
        /// The value, unless it is a secret.
        value: String,
        /// librdkafka's words.
        message: String,
    },
    /// Two options contradict each other.
    #[error("client option `{option}` contradicts `{other}`: {reason}")]
    Contradiction {
        /// The option.
        option: String,
        /// The option, or its absence, that it contradicts.
        other: String,
        /// What would happen, and what to change.
        reason: String,
    },
    /// The group would go on without a member that drains as long as it may.
    #[error(
        "drain deadline of {drain_deadline:?} is not below `max.poll.interval.ms` \
         ({max_poll_interval:?}): the group waits no longer than that for partitions to be given \
         back, and would hand them out while they drain; lower drain_deadline or raise \
         `max.poll.interval.ms`"
    )]
    DrainTooLong {
        /// The configured drain deadline.
        drain_deadline: Duration,
        /// The interval, as given or by default.
        max_poll_interval: Duration,
    },
}

/// librdkafka's defaults that other options are held against.
const DEFAULT_MAX_POLL_INTERVAL_MS: u64 = 300_000;
const DEFAULT_SESSION_TIMEOUT_MS: u64 = 45_000;

/// What librdkafka allocates beside a record's own bytes (an op and its allocator's rounding), and
/// the smallest record that the sizes are made for. Smaller records take more than their share.
const RECORD_OVERHEAD_BYTES: usize = 512;
const SMALL_RECORD_BYTES: usize = 100;

/// More than this in one fetch of one partition gains nothing: a fetch carries all partitions.
const MAX_FETCH_BYTES: usize = 1 << 20;
/// Less than this makes a round trip of every few records.
const MIN_FETCH_BYTES: usize = 16 << 10;

/// Options that the consumer sets itself, and why.
const RESERVED: &[(&str, &str)] = &[
    ("bootstrap.servers", "it is the first argument of the builder"),
    ("metadata.broker.list", "it is the first argument of the builder"),
    ("group.id", "it is the second argument of the builder"),
    ("enable.auto.commit", "commits follow the commit policy; choose one with commit_policy"),
    ("auto.commit.enable", "commits follow the commit policy; choose one with commit_policy"),
    ("auto.commit.interval.ms", "commits follow the commit policy; choose one with commit_policy"),
    (
        "enable.auto.offset.store",
        "a record becomes committable when its handler succeeded, never when it was read",
    ),
    (
        "auto.offset.reset",
        "it would skip or repeat records whenever an offset is missing; choose a start policy",
    ),
    ("enable.partition.eof", "it tells the position behind transaction markers and is always on"),
    ("offset.store.method", "offsets are stored in the group"),
    ("offset.store.path", "offsets are stored in the group"),
    ("offset.store.sync.interval.ms", "offsets are stored in the group"),
    ("consume.callback.max.messages", "records are read in batches"),
];

/// Producer options that librdkafka accepts on a consumer and ignores.
const PRODUCER_ONLY: &[&str] = &[
    "acks",
    "batch.num.messages",
    "batch.size",
    "compression.codec",
    "compression.level",
    "compression.type",
    "delivery.timeout.ms",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "linger.ms",
    "message.send.max.retries",
    "message.timeout.ms",
    "partitioner",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.required.acks",
    "request.timeout.ms",
    "retries",
    "sticky.partitioning.linger.ms",
    "transaction.timeout.ms",
    "transactional.id",
];

impl ClientSettings {
    /// Checks `options` (name and value, the last of a name counts) without touching anything.
    ///
    /// `buffered_bytes` is the budget of the whole consumer; `drain_deadline` how long giving
    /// partitions back may take.
    ///
    /// # Errors
    ///
    /// The first thing found that is missing, refused, unknown or contradictory.
    pub(crate) fn check(
        bootstrap_servers: &str,
        group: &str,
        options: impl IntoIterator<Item = (String, String)>,
        buffered_bytes: usize,
        drain_deadline: Duration,
    ) -> Result<Self, SettingsError> {
        refuse_empty("bootstrap.servers", bootstrap_servers, "give host:port of one broker")?;
        refuse_empty("group.id", group, "give the name of the consumer group")?;
        let mut given = BTreeMap::new();
        for (option, value) in options {
            let option = canonical(option.trim()).to_owned();
            refuse_reserved(&option, &value)?;
            given.insert(option, value);
        }
        refuse_contradictory_security(&given)?;
        refuse_contradictory_times(&given, drain_deadline)?;

        let isolation = match given.get("isolation.level").map(String::as_str) {
            Some("read_uncommitted") => Isolation::ReadUncommitted,
            _ => Isolation::ReadCommitted,
        };
        let mut settings = Self {
            options: defaults(),
            group: group.to_owned(),
            isolation,
            prefetch_bytes: buffered_bytes / 2,
        };
        settings.options.extend(given);
        for (option, value) in
            [("bootstrap.servers", bootstrap_servers), ("group.id", group)].into_iter().chain(FIXED)
        {
            settings.options.insert(option.to_owned(), value.to_owned());
        }
        settings.native(1)?;
        Ok(settings)
    }

    /// The options of a client that reads up to `partitions` partitions at the same time.
    ///
    /// # Errors
    ///
    /// An option that librdkafka does not know, or a value that it does not take.
    pub(crate) fn native(&self, partitions: usize) -> Result<NativeConfig, SettingsError> {
        let mut config = NativeConfig::new();
        for (option, value) in &self.options {
            config.set(option, value)?;
        }
        for (option, value) in self.sizes(partitions) {
            if !self.options.contains_key(option) {
                config.set(option, &value.to_string())?;
            }
        }
        Ok(config)
    }

    /// The group.
    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    /// Which end of the log the client reads to.
    pub(crate) fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// The value of an option, as given or as the consumer sets it.
    pub(crate) fn option(&self, option: &str) -> Option<&str> {
        self.options.get(canonical(option)).map(String::as_str)
    }

    /// What an error message says about who asked: the SASL user and mechanism, if any.
    pub(crate) fn principal(&self) -> Option<String> {
        let mechanism = self.option("sasl.mechanism")?;
        Some(match self.option("sasl.username") {
            Some(user) => format!("sasl.username `{user}` with sasl.mechanism {mechanism}"),
            None => format!("sasl.mechanism {mechanism}"),
        })
    }

    /// Who asks, in a message to whoever manages permissions.
    pub(crate) fn principal_or_anybody(&self) -> String {
        self.principal().unwrap_or_else(|| "unauthenticated clients".to_owned())
    }

    /// The client's share of the byte budget in its own options, for `partitions` partitions.
    ///
    /// A partition is fetched while its queue is below the two `queued.` limits, and then by up to
    /// one fetch beyond them. Small records weigh six times their bytes, so that a fetch of a
    /// twelfth of the share fills half of it, and the other half is what may be queued.
    fn sizes(&self, partitions: usize) -> [(&'static str, usize); 4] {
        let share = self.prefetch_bytes / partitions.max(1);
        let fetch = (share / 12).clamp(MIN_FETCH_BYTES, MAX_FETCH_BYTES);
        let queued = (share * 9 / 20).max(MIN_FETCH_BYTES);
        [
            ("fetch.message.max.bytes", fetch),
            ("fetch.max.bytes", (fetch * partitions.max(1)).clamp(MAX_FETCH_BYTES, 50 << 20)),
            ("queued.max.messages.kbytes", queued / 1024),
            (
                "queued.min.messages",
                (queued / (RECORD_OVERHEAD_BYTES + SMALL_RECORD_BYTES)).clamp(16, 1_000_000),
            ),
        ]
    }
}

impl From<ConfigError> for SettingsError {
    fn from(error: ConfigError) -> Self {
        Self::Invalid { option: error.key, value: error.value, message: error.message }
    }
}

/// Options that hold whatever the application says.
const FIXED: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
];

/// Options that the application may override.
fn defaults() -> BTreeMap<String, String> {
    [
        ("client.id", "surefoot"),
        ("isolation.level", "read_committed"),
        ("check.crcs", "true"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        // The default of a second stalls a partition whose queue was full for a moment.
        ("fetch.queue.backoff.ms", "2"),
        // A partition that begins to flow waits for the fetch under way, and that one waits this
        // long when the other partitions are idle.
        ("fetch.wait.max.ms", "100"),
        // The default of ten seconds is how long a broker that came back would not be noticed.
        ("reconnect.backoff.max.ms", "1000"),
    ]
    .into_iter()
    .map(|(option, value)| (option.to_owned(), value.to_owned()))
    .collect()
}

/// librdkafka's own name of an option that has several.
fn canonical(option: &str) -> &str {
    match option {
        "max.partition.fetch.bytes" => "fetch.message.max.bytes",
        "sasl.mechanisms" => "sasl.mechanism",
        other => other,
    }
}

fn refuse_empty(
    option: &'static str,
    value: &str,
    hint: &'static str,
) -> Result<(), SettingsError> {
    if value.trim().is_empty() { Err(SettingsError::Empty { option, hint }) } else { Ok(()) }
}

fn refuse_reserved(option: &str, value: &str) -> Result<(), SettingsError> {
    let reserved = RESERVED.iter().find(|(name, _)| *name == option).map(|(_, reason)| *reason);
    let reason = match option {
        _ if PRODUCER_ONLY.contains(&option) => "it is a producer's option and does nothing here",
        "group.protocol" if !value.eq_ignore_ascii_case("classic") => {
            "the client's implementation of the consumer protocol (KIP-848) is known to stall; use \
             `classic`"
        }
        _ => match reserved {
            Some(reason) => reason,
            None => return Ok(()),
        },
    };
    Err(SettingsError::Reserved { option: option.to_owned(), value: value.to_owned(), reason })
}

/// Credentials that would not be used, and protocols that lack them.
fn refuse_contradictory_security(given: &BTreeMap<String, String>) -> Result<(), SettingsError> {
    let protocol =
        given.get("security.protocol").map_or("plaintext", String::as_str).to_ascii_lowercase();
    let (with_sasl, with_tls) = match protocol.as_str() {
        "plaintext" => (false, false),
        "ssl" => (false, true),
        "sasl_plaintext" => (true, false),
        "sasl_ssl" => (true, true),
        // librdkafka refuses it by name.
        _ => return Ok(()),
    };
    let contradiction = |option: &str, reason: &str| {
        Err(SettingsError::Contradiction {
            option: option.to_owned(),
            other: format!("security.protocol={protocol}"),
            reason: reason.to_owned(),
        })
    };
    for option in given.keys() {
        if !with_sasl && option.starts_with("sasl.") {
            return contradiction(
                option,
                "the connection would not authenticate; use sasl_plaintext or sasl_ssl",
            );
        }
        if !with_tls && option.starts_with("ssl.") {
            return contradiction(
                option,
                "the connection would not be encrypted; use ssl or sasl_ssl",
            );
        }
    }
    if !with_sasl {
        return Ok(());
    }
    let Some(mechanism) = given.get("sasl.mechanism") else {
        return contradiction(
            "sasl.mechanism",
            "it is not set; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
        );
    };
    match mechanism.to_ascii_uppercase().as_str() {
        "GSSAPI" => contradiction("sasl.mechanism", "GSSAPI (Kerberos) is not built in"),
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => {
            for credential in ["sasl.username", "sasl.password"] {
                if given.get(credential).is_none_or(String::is_empty) {
                    return contradiction(credential, "it is not set, and the mechanism needs it");
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Times within which the group would not wait.
fn refuse_contradictory_times(
    given: &BTreeMap<String, String>,
    drain_deadline: Duration,
) -> Result<(), SettingsError> {
    // A value that is no number is refused by librdkafka, by name.
    let millis = |option: &str, default: u64| {
        given.get(option).map_or(Some(default), |value| value.trim().parse::<u64>().ok())
    };
    let Some(max_poll) = millis("max.poll.interval.ms", DEFAULT_MAX_POLL_INTERVAL_MS) else {
        return Ok(());
    };
    let Some(session) = millis("session.timeout.ms", DEFAULT_SESSION_TIMEOUT_MS) else {
        return Ok(());
    };
    if session > max_poll {
        return Err(SettingsError::Contradiction {
            option: "max.poll.interval.ms".to_owned(),
            other: "session.timeout.ms".to_owned(),
            reason: format!(
                "{max_poll} is less than {session}: a member that sends heartbeats must be given \
                 longer than one that does not; lower `session.timeout.ms`"
            ),
        });
    }
    let max_poll_interval = Duration::from_millis(max_poll);
    if drain_deadline >= max_poll_interval {
        return Err(SettingsError::DrainTooLong { drain_deadline, max_poll_interval });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn check(options: &[(&str, &str)]) -> Result<ClientSettings, SettingsError> {
        check_with_drain(options, 30 * SECOND)
    }

    fn check_with_drain(
        options: &[(&str, &str)],
        drain: Duration,
    ) -> Result<ClientSettings, SettingsError> {
        let options = options.iter().map(|(o, v)| ((*o).to_owned(), (*v).to_owned()));
        ClientSettings::check("localhost:9092", "billing", options, 64 << 20, drain)
    }

    fn refusal(options: &[(&str, &str)]) -> String {
        check(options).expect_err("it is refused").to_string()
    }

    #[test]
    fn nothing_given_is_a_client_that_commits_and_resets_nothing_by_itself() {
        let settings = check(&[]).unwrap();
        for (option, value) in [
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
            ("partition.assignment.strategy", "cooperative-sticky"),
        ] {
            assert_eq!(settings.option(option), Some(value));
        }
        assert_eq!(settings.isolation(), Isolation::ReadCommitted);
    }

    #[test]
    fn options_that_would_undo_a_guarantee_are_refused_by_name() {
        for (option, value) in [
            ("enable.auto.commit", "true"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "true"),
            ("auto.offset.reset", "latest"),
            ("enable.partition.eof", "false"),
            ("group.id", "other"),
            ("bootstrap.servers", "other:9092"),
            ("metadata.broker.list", "other:9092"),
            ("group.protocol", "consumer"),
            ("transactional.id", "t"),
            ("linger.ms", "5"),
        ] {
            let error = check(&[(option, value)]).unwrap_err();
            assert!(
                matches!(&error, SettingsError::Reserved { option: named, .. } if named == option),
                "{option}: {error:?}"
            );
        }
        assert!(check(&[("group.protocol", "classic")]).is_ok());
    }

    #[test]
    fn unknown_options_and_bad_values_are_named() {
        insta::assert_snapshot!(
            refusal(&[("no.such.option", "1")]),
            @r#"client option `no.such.option` = `1`: No such configuration property: "no.such.option""#
        );
        let error = refusal(&[("session.timeout.ms", "soon")]);
        assert!(error.starts_with("client option `session.timeout.ms` = `soon`: "), "{error}");
    }

    #[test]
    fn empty_names_are_refused() {
        let error = ClientSettings::check("", "g", [], 64 << 20, SECOND).unwrap_err();
        insta::assert_snapshot!(error, @"bootstrap.servers is empty: give host:port of one broker");
        let error = ClientSettings::check("b:1", " ", [], 64 << 20, SECOND).unwrap_err();
        insta::assert_snapshot!(error, @"group.id is empty: give the name of the consumer group");
    }

    #[test]
    fn credentials_that_would_not_be_used_are_refused() {
        insta::assert_snapshot!(
            refusal(&[("sasl.username", "alice")]),
            @"client option `sasl.username` contradicts `security.protocol=plaintext`: the connection would not authenticate; use sasl_plaintext or sasl_ssl"
        );
        insta::assert_snapshot!(
            refusal(&[("security.protocol", "SASL_PLAINTEXT"), ("ssl.ca.location", "/ca.pem")]),
            @"client option `ssl.ca.location` contradicts `security.protocol=sasl_plaintext`: the connection would not be encrypted; use ssl or sasl_ssl"
        );
        insta::assert_snapshot!(
            refusal(&[("security.protocol", "sasl_ssl")]),
            @"client option `sasl.mechanism` contradicts `security.protocol=sasl_ssl`: it is not set; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
        );
        insta::assert_snapshot!(
            refusal(&[
                ("security.protocol", "sasl_plaintext"),
                ("sasl.mechanisms", "PLAIN"),
                ("sasl.username", "alice"),
            ]),
            @"client option `sasl.password` contradicts `security.protocol=sasl_plaintext`: it is not set, and the mechanism needs it"
        );
        let complete = [
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanisms", "PLAIN"),
            ("sasl.username", "alice"),
            ("sasl.password", "hunter2"),
        ];
        let settings = check(&complete).unwrap();
        assert_eq!(
            settings.principal().as_deref(),
            Some("sasl.username `alice` with sasl.mechanism PLAIN")
        );
    }

    #[test]
    fn a_drain_that_the_group_would_not_wait_for_is_refused() {
        let options = [("max.poll.interval.ms", "10000"), ("session.timeout.ms", "6000")];
        insta::assert_snapshot!(
            check_with_drain(&options, 10 * SECOND).unwrap_err(),
            @"drain deadline of 10s is not below `max.poll.interval.ms` (10s): the group waits no longer than that for partitions to be given back, and would hand them out while they drain; lower drain_deadline or raise `max.poll.interval.ms`"
        );
        assert!(check_with_drain(&options, 9 * SECOND).is_ok());
        assert!(check_with_drain(&[], 299 * SECOND).is_ok());
        assert!(check_with_drain(&[], 300 * SECOND).is_err());
    }

    #[test]
    fn a_session_longer_than_the_poll_interval_is_refused() {
        insta::assert_snapshot!(
            check_with_drain(&[("max.poll.interval.ms", "10000")], SECOND).unwrap_err(),
            @"client option `max.poll.interval.ms` contradicts `session.timeout.ms`: 10000 is less than 45000: a member that sends heartbeats must be given longer than one that does not; lower `session.timeout.ms`"
        );
    }

    #[test]
    fn what_partitions_may_prefetch_stays_within_half_of_the_budget() {
        let settings = check(&[]).unwrap();
        for partitions in [1, 8, 32] {
            let sizes: BTreeMap<_, _> = settings.sizes(partitions).into_iter().collect();
            let fetch = sizes["fetch.message.max.bytes"];
            let small = RECORD_OVERHEAD_BYTES + SMALL_RECORD_BYTES;
            let records = sizes["queued.min.messages"] + fetch / SMALL_RECORD_BYTES;
            assert!(records * small * partitions <= 32 << 20, "{partitions}: {sizes:?}");
            let large = sizes["queued.max.messages.kbytes"] * 1024 + fetch;
            assert!(large * partitions <= 32 << 20, "{partitions}: {sizes:?}");
        }
    }
}
