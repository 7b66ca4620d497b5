//! `surefoot topics`.

use insta::assert_snapshot;
use serde_json::json;

use crate::log::{End, Writer};
use crate::program::{surefoot, surefoot_reading, topic};

#[test]
fn a_created_topic_is_listed_and_described_at_once() {
    let topic = topic("created", &["--partitions", "2", "--set", "retention.ms=-1"]);
    let listed = surefoot(&["topics", "list", "--json"]).json_lines();
    let rows = listed[0].as_array().unwrap();
    let row = json!({"topic": topic, "partitions": 2, "replicas": 1, "unhealthy": 0});
    assert!(rows.contains(&row), "{rows:?}");
    let text = surefoot(&["topics", "describe", &topic]).quietly();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.starts_with("TOPIC "), "{text}");
}

#[test]
fn a_second_topic_of_one_name_is_refused() {
    let topic = topic("twice", &[]);
    let again = surefoot(&["topics", "create", &topic]);
    assert_snapshot!(again.complaint(&[(&topic, "TOPIC")]), @r#"
    exit 3
    error: topic "TOPIC" is there already
    hint: `surefoot topics describe TOPIC` shows it
    "#);
    let replicas = surefoot(&["topics", "create", "r", "--replication-factor", "99"]);
    assert_snapshot!(replicas.complaint(&[]), @r#"
    exit 3
    error: topic "r" cannot have that many replicas here
    hint: --replication-factor is at most the number of brokers
    "#);
    let setting = surefoot(&["topics", "create", "s", "--set", "retention.ms=soon"]);
    assert_snapshot!(setting.complaint(&[]), @r#"
    exit 3
    error: the cluster refused a setting of topic "s"
    hint: check --set; Kafka's documentation lists the topic settings and their ranges
    "#);
    let name = surefoot(&["topics", "create", "a/b"]);
    assert_snapshot!(name.complaint(&[]), @r#"
    exit 3
    error: "a/b" cannot be the name of a topic
    hint: letters, digits, '.', '_' and '-', at most 249 of them
    "#);
}

#[test]
fn an_open_transaction_parts_the_last_stable_offset_from_the_end() {
    let topic = topic("open", &[]);
    let writer = Writer::new();
    writer.transaction(&topic, &["a", "b"], End::Commit);
    writer.transaction(&topic, &["c"], End::Open);
    let described = surefoot(&["topics", "describe", &topic, "--json"]).json_lines();
    // Two records, a marker, the open record.
    let partition = &described[0][0]["partitions"][0];
    assert_eq!(
        (&partition["log_start"], &partition["last_stable"], &partition["end"]),
        (&json!(0), &json!(3), &json!(4))
    );
}

#[test]
fn a_dump_has_what_a_committed_reader_sees() {
    let topic = topic("dumped", &["--partitions", "2"]);
    let input = "k:1\n\u{fc}:2\n";
    let args = ["produce", &topic, "--key-separator", ":", "--partition", "1"];
    surefoot_reading(&args, input).quietly();
    let writer = Writer::new();
    writer.transaction(&topic, &["x"], End::Abort);
    writer.transaction(&topic, &["y"], End::Commit);
    let lines = surefoot(&["topics", "dump", &topic]).json_lines();
    let mut records = Vec::new();
    for line in &lines {
        if let Some(offset) = line.get("offset") {
            records.push(json!([line["partition"], offset, line["key"]]));
        }
    }
    assert_eq!(records, [json!([0, 2, null]), json!([1, 0, "k"]), json!([1, 1, "\u{fc}"])]);
    let header = json!({
        "dump": "topic", "topic": topic, "partition": 0,
        "log_start": 0, "end": 4, "last_stable": 4,
    });
    assert_eq!(lines[0], header);
    assert_eq!(lines[2], json!({"dump_end": true, "records": 1}));
}
