//! `surefoot produce`.

use std::collections::BTreeMap;
use std::io::Write;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::program::{Ran, start, surefoot, surefoot_reading, topic};

fn records(topic: &str) -> Vec<Value> {
    surefoot(&["consume", topic, "--until-end", "--json"]).json_lines()
}

#[test]
fn keys_land_where_the_java_producer_puts_them() {
    let topic = topic("murmur", &["--partitions", "7"]);
    // Hashes of `UtilsTest.testMurmur2` in Apache Kafka, sign bit cleared, modulo 7.
    let keys = BTreeMap::from([
        ("21", 1_173_551_340 % 7),
        ("foobar", 1_357_151_166 % 7),
        ("a-little-bit-long-string", 1_161_502_112 % 7),
        ("a-little-bit-longer-string", 661_178_819 % 7),
        ("abc", 479_470_107 % 7),
    ]);
    let input: String = keys.keys().map(|key| format!("{key}:x\n")).collect();
    surefoot_reading(&["produce", &topic, "--key-separator", ":"], &input).quietly();
    let landed = records(&topic);
    assert_eq!(landed.len(), keys.len());
    for record in landed {
        let key = record["key"].as_str().unwrap();
        assert_eq!(record["partition"], json!(keys[key]), "{key}");
    }
}

#[test]
fn rows_become_records_with_key_time_and_headers() {
    let topic = topic("csv", &["--set", "retention.ms=-1"]);
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("rows.csv");
    std::fs::write(&file, "id,city,at\n7,\"Bonn, am Rhein\",1970-01-01T00:00:01Z\n,Ulm,2000\n")
        .unwrap();
    let file = file.to_str().unwrap();
    let args =
        ["produce", &topic, file, "--key", "id", "--timestamp-column", "at", "--header", "a=b"];
    surefoot(&args).quietly();
    let read = records(&topic);
    assert_eq!(read[0]["key"], "7");
    assert_eq!(read[0]["timestamp"], 1000);
    assert_eq!(
        read[0]["value"],
        r#"{"id":"7","city":"Bonn, am Rhein","at":"1970-01-01T00:00:01Z"}"#
    );
    assert_eq!(read[0]["headers"], json!([{"key": "a", "value": "b"}]));
    assert_eq!(read[1]["key"], Value::Null, "an empty cell is no key");
}

#[test]
fn what_consume_writes_produce_reads_back_byte_for_byte() {
    let (source, copy) = (
        topic("source", &["--set", "retention.ms=-1"]),
        topic("copy", &["--set", "retention.ms=-1"]),
    );
    let lines = concat!(
        r#"{"key":{"base64":"//8="},"value":{"a": 1},"timestamp":5}"#,
        "\n",
        r#"{"key":"","value":null,"timestamp":6,"headers":[{"key":"h"},{"key":"h","value":""}]}"#,
        "\n",
        r#"{"value":"{\"base64\":\"AA==\"}","timestamp":7}"#,
        "\n",
    );
    surefoot_reading(&["produce", &source, "--format", "ndjson"], lines).quietly();
    let dumped = surefoot(&["consume", &source, "--until-end", "--json"]).quietly();
    surefoot_reading(&["produce", &copy, "--format", "ndjson"], &dumped).quietly();
    let again = surefoot(&["consume", &copy, "--until-end", "--json"]).quietly();
    assert_eq!(again.replace(&copy, &source), dumped);
    assert!(dumped.contains(r#""value":"{\"a\": 1}""#), "{dumped}");
}

#[test]
fn a_bad_line_stops_and_says_what_is_acknowledged() {
    let topic = topic("bad", &[]);
    let input = "{\"value\":1}\n{\"value\":2}\nnonsense\n{\"value\":4}\n";
    let args = ["produce", &topic, "--format", "ndjson"];
    let ran = surefoot_reading(&args, input);
    assert_snapshot!(ran.complaint(&[]), @"
    exit 2
    error: standard input:3: this is not JSON: expected ident (column 2)
    hint: acknowledged before it: 2 records; go on with --from-line 3 when it is mended, or leave such lines out with --bad-lines skip
    ");
    assert!(ran.stdout.starts_with("produced 2 records, 2 B, to "), "{}", ran.stdout);
    assert_eq!(records(&topic).len(), 2);
    let rest = [&args[..], &["--bad-lines", "skip", "--from-line", "3", "--json"]].concat();
    let ran = surefoot_reading(&rest, input);
    assert_snapshot!(ran.complaint(&[]), @"
    exit 1
    skipped standard input:3: this is not JSON: expected ident (column 2)
    ");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&summary["records"], &summary["skipped_lines"]), (&json!(1), &json!(1)));
    let values: Vec<Value> =
        records(&topic).into_iter().map(|record| record["value"].clone()).collect();
    assert_eq!(values, ["1", "2", "4"]);
}

#[test]
fn a_record_that_the_broker_refuses_is_not_reported_as_produced() {
    let topic = topic("large", &["--set", "max.message.bytes=1000"]);
    let large = "x".repeat(5000);
    let ran = surefoot_reading(&["produce", &topic], &large);
    assert_snapshot!(ran.complaint(&[]), @"
    exit 4
    line 1 not acknowledged: the record is larger than message.max.bytes (of the client or of the topic)
    error: not acknowledged: 1 record; reading stopped after line 1
    hint: all other lines up to there are acknowledged; --from-line 1 sends the missing ones again and goes on, and what did get through after it is then there twice
    ");
    assert!(ran.stdout.starts_with("produced 0 records,"), "{}", ran.stdout);
    let input = format!("a\n{large}\nb\n");
    let ran = surefoot_reading(&["produce", &topic, "--json"], &input);
    assert_eq!(ran.exit, 4);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    // A batch is refused whole, so how many of the small ones are in the log is the client's
    // choice.
    assert_eq!(summary["records"], json!(records(&topic).len()));
    let runs = summary["failures"].as_array().unwrap();
    let lost = |line: i64| {
        let within = |run: &Value| {
            run["first_line"].as_i64().unwrap() <= line
                && line <= run["last_line"].as_i64().unwrap()
        };
        runs.iter().any(within)
    };
    assert!(lost(2), "{runs:?}");
    let partition = surefoot_reading(&["produce", &topic, "--partition", "4"], "a\n");
    assert_snapshot!(partition.complaint(&[(&topic, "TOPIC")]), @"
    exit 2
    error: TOPIC[4] does not exist: the topic has partitions 0 to 0
    hint: check --partition
    ");
}

#[test]
fn records_older_than_the_topic_keeps_are_warned_of() {
    let topic = topic("old", &["--set", "retention.ms=3600000"]);
    let line = r#"{"value":"v","timestamp":1000}"#;
    let ran = surefoot_reading(&["produce", &topic, "--format", "ndjson"], line);
    assert_snapshot!(ran.complaint(&[(&topic, "TOPIC")]), @"
    exit 0
    warning: line 1 is of 1970-01-01T00:00:01.000Z, older than what TOPIC keeps: Kafka will delete it (retention.ms; -1 keeps everything)
    ");
}

#[test]
fn ctrl_c_flushes_what_was_read_and_reports_it() {
    let topic = topic("interrupted", &[]);
    let mut child = start(&["produce", &topic, "--json"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\nb\nhalf a line").unwrap();
    // Both whole lines are in the log: the command has read as far as it can and waits for more.
    let seen = surefoot(&["consume", &topic, "--max", "2", "--format", "value"]).quietly();
    assert_eq!(seen, "a\nb\n");
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!((ran.exit, ran.stderr.as_str()), (130, ""));
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&summary["records"], &summary["unknown"]), (&json!(2), &json!(0)));
    assert_eq!(records(&topic).len(), 2, "half a line is no record");
}
