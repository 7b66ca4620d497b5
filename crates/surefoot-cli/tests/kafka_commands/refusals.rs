//! What people get wrong: each has one line that says so and one that names the setting.

use insta::assert_snapshot;

use crate::acl::{Resource, allow_reading};
use crate::program::{Ran, bootstrap, fresh, secure_bootstrap, surefoot, surefoot_reading, topic};

/// Runs as a user of the listener with SASL.
fn as_user(args: &[&str], user: &str, password: &str) -> Ran {
    let user = format!("sasl.username={user}");
    let password = format!("sasl.password={password}");
    let secure = secure_bootstrap();
    let login = [
        "-b",
        &secure,
        "-X",
        "security.protocol=sasl_plaintext",
        "-X",
        "sasl.mechanism=PLAIN",
        "-X",
        &user,
        "-X",
        &password,
    ];
    surefoot_reading(&[args, &login].concat(), "a line\n")
}

#[test]
fn unknown_topics() {
    for args in [
        &["consume", "no-such-topic"][..],
        &["consume", "no-such-topic", "--group", "billing"],
        &["produce", "no-such-topic"],
        &["topics", "describe", "no-such-topic"],
        &["topics", "dump", "no-such-topic"],
    ] {
        assert_snapshot!("unknown_topic", surefoot(args).complaint(&[]));
    }
}

#[test]
fn wrong_credentials() {
    let ran = as_user(&["topics", "list"], "alice", "guess");
    assert_snapshot!(ran.complaint(&[(&secure_bootstrap(), "HOST:PORT")]), @r#"
    exit 3
    error: HOST:PORT refused the credentials of user "alice"
    hint: check sasl.username, sasl.password (-X or --config) and sasl.mechanism, which is PLAIN
    "#);
    assert!(!ran.stderr.contains("guess"), "passwords are not shown");
    let unknown = as_user(&["topics", "list"], "mallory", "mallory-secret");
    assert_snapshot!(unknown.complaint(&[(&secure_bootstrap(), "HOST:PORT")]), @r#"
    exit 3
    error: HOST:PORT refused the credentials of user "mallory"
    hint: check sasl.username, sasl.password (-X or --config) and sasl.mechanism, which is PLAIN
    "#);
}

#[test]
fn credentials_that_are_missing() {
    let ran = surefoot(&["topics", "list", "-b", &secure_bootstrap()]);
    assert_snapshot!(ran.complaint(&[(&secure_bootstrap(), "HOST:PORT")]), @"
    exit 3
    error: HOST:PORT hung up during the handshake
    hint: security.protocol is plaintext: is TLS or SASL missing? is it Kafka's port?
    ");
}

#[test]
fn a_mechanism_that_is_not_offered() {
    let secure = secure_bootstrap();
    let ran = surefoot(&[
        "topics",
        "list",
        "-b",
        &secure,
        "-X",
        "security.protocol=sasl_plaintext",
        "-X",
        "sasl.mechanism=SCRAM-SHA-512",
        "-X",
        "sasl.username=alice",
        "-X",
        "sasl.password=alice-secret",
    ]);
    assert_snapshot!(ran.complaint(&[(&secure, "HOST:PORT")]), @"
    exit 3
    error: HOST:PORT does not offer SASL mechanism SCRAM-SHA-512
    hint: set sasl.mechanism to one that the listener offers (-X or --config)
    ");
}

#[test]
fn tls_to_a_port_without_it() {
    let ran = surefoot(&["topics", "list", "-X", "security.protocol=ssl"]);
    assert_snapshot!(ran.complaint(&[(&bootstrap(), "HOST:PORT")]), @"
    exit 3
    error: HOST:PORT hung up during the handshake
    hint: security.protocol is ssl: does this port speak it? is it Kafka's port?
    ");
}

#[test]
fn topics_without_permission() {
    let topic = topic("forbidden", &[]);
    let names = [(topic.as_str(), "TOPIC")];
    // `kafka-acls` has given bob nothing.
    for args in [
        &["consume", &topic][..],
        &["consume", &topic, "--group", "billing"],
        &["produce", &topic],
        &["topics", "describe", &topic],
    ] {
        let ran = as_user(args, "bob", "bob-secret");
        assert_snapshot!("forbidden_topic", ran.complaint(&names));
    }
    let create = as_user(&["topics", "create", "bobs"], "bob", "bob-secret");
    assert_snapshot!(create.complaint(&[]), @r#"
    exit 3
    error: user "bob" has no permission for Create on topic "bobs"
    hint: use another sasl.username, or allow it: kafka-acls --add --allow-principal User:bob --operation Create --topic bobs
    "#);
    let offsets = as_user(&["offsets", "dump", "billing"], "bob", "bob-secret");
    assert_snapshot!(offsets.complaint(&[]), @r#"
    exit 3
    error: user "bob" has no permission for Describe on topic "__consumer_offsets"
    hint: use another sasl.username, or allow it: kafka-acls --add --allow-principal User:bob --operation Describe --topic __consumer_offsets
    "#);
    let list = as_user(&["topics", "list", "--json"], "bob", "bob-secret");
    assert_eq!(list.quietly(), "[]\n", "what one may not see is not listed");
}

#[test]
fn groups_without_permission() {
    let topic = topic("readable", &[]);
    let group = fresh("group");
    let consume = ["consume", &topic, "--group", &group, "--until-end"];
    let as_alice = || as_user(&consume, "alice", "alice-secret");
    allow_reading("alice", Resource::Topic(&topic));
    // Brokers take note of a permission one after the other.
    while as_user(&["topics", "describe", &topic], "alice", "alice-secret").exit != 0 {}
    assert_snapshot!(as_alice().complaint(&[(&group, "GROUP")]), @r#"
    exit 3
    error: user "alice" has no permission for Read on group "GROUP"
    hint: use another sasl.username, or allow it: kafka-acls --add --allow-principal User:alice --operation Read --group GROUP
    "#);
    allow_reading("alice", Resource::Group(&group));
    while as_alice().exit != 0 {}
}
