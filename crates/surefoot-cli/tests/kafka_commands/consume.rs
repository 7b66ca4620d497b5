//! `surefoot consume`.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;

use crate::log::{End, Writer};
use crate::program::{command, surefoot, surefoot_reading, topic};

/// The values of partition 0 that are printed, one a line.
fn values(topic: &str, options: &[&str]) -> String {
    let mut args = vec!["consume", topic, "--until-end", "--format", "value"];
    args.extend(options);
    surefoot(&args).quietly()
}

#[test]
fn the_end_is_reached_behind_transaction_markers() {
    let topic = topic("markers", &[]);
    let writer = Writer::new();
    writer.transaction(&topic, &["a", "b"], End::Commit);
    assert_eq!(values(&topic, &[]), "a\nb\n", "a commit marker is last");
    writer.transaction(&topic, &["c"], End::Abort);
    assert_eq!(values(&topic, &[]), "a\nb\n", "an aborted record and its marker are last");
    assert_eq!(values(&topic, &["--isolation", "read_uncommitted"]), "a\nb\nc\n");
    writer.transaction(&topic, &["d"], End::Open);
    assert_eq!(values(&topic, &[]), "a\nb\n", "an open transaction is last");
}

#[test]
fn empty_topics_end_at_once() {
    let topic = topic("empty", &["--partitions", "3"]);
    assert_eq!(values(&topic, &[]), "");
    let only_aborted = crate::program::topic("aborted", &[]);
    Writer::new().transaction(&only_aborted, &["a"], End::Abort);
    assert_eq!(values(&only_aborted, &[]), "");
}

#[test]
fn reading_starts_where_it_is_told() {
    let topic = topic("starts", &["--set", "retention.ms=-1"]);
    let lines: String = (0..10)
        .map(|second| format!("{{\"value\":\"{second}\",\"timestamp\":{}}}\n", (second + 1) * 1000))
        .collect();
    surefoot_reading(&["produce", &topic, "--format", "ndjson"], &lines).quietly();
    assert_eq!(values(&topic, &["--from", "8"]), "8\n9\n");
    assert_eq!(values(&topic, &["--from", "10"]), "");
    assert_eq!(values(&topic, &["--from", "end"]), "");
    assert_eq!(values(&topic, &["--from", "1970-01-01T00:00:09.5Z"]), "9\n");
    assert_eq!(values(&topic, &["--from", "@9000", "--max", "1"]), "8\n");
    assert_eq!(values(&topic, &["--from", "2000-01-01T00:00:00Z"]), "", "later than all");
    let outside = surefoot(&["consume", &topic, "--from", "11"]);
    assert_snapshot!(outside.complaint(&[(&topic, "TOPIC")]), @"
    exit 2
    error: TOPIC[0]@11 does not exist: the log is 0 to 10
    hint: choose another --from, or one partition with --partition
    ");
    let partition = surefoot(&["consume", &topic, "--partition", "1"]);
    assert_snapshot!(partition.complaint(&[(&topic, "TOPIC")]), @"
    exit 2
    error: TOPIC[1] does not exist: the topic has partitions 0 to 0
    hint: check --partition
    ");
}

#[test]
fn formats_show_keys_values_and_headers() {
    let topic = topic("formats", &["--set", "retention.ms=-1"]);
    let line = concat!(
        r#"{"key":"k","value":"v","timestamp":1000,"#,
        r#""headers":[{"key":"h","value":{"base64":"/w=="}}]}"#
    );
    surefoot_reading(&["produce", &topic, "--format", "ndjson"], line).quietly();
    let show = |format: &str| {
        let text = surefoot(&["consume", &topic, "--until-end", "--format", format]).quietly();
        text.replace(&topic, "TOPIC")
    };
    assert_eq!(show("text"), "TOPIC[0]@0\t1970-01-01T00:00:01.000Z\tk\tv\th=base64:/w==\n");
    assert_eq!(show("value"), "v\n");
    assert_eq!(show("key-value"), "k\tv\n");
    assert_eq!(
        show("json"),
        "{\"topic\":\"TOPIC\",\"partition\":0,\"offset\":0,\"timestamp\":1000,\"key\":\"k\",\
         \"value\":\"v\",\"headers\":[{\"key\":\"h\",\"value\":{\"base64\":\"/w==\"}}]}\n"
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let topic = topic("pipe", &[]);
    let lines: String = (0..50_000).map(|number| format!("{number}\n")).collect();
    surefoot_reading(&["produce", &topic], &lines).quietly();
    let mut child = command(&["consume", &topic, "--format", "value"]).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    // The reader is dropped: the pipe has no other end.
    let output = child.wait_with_output().unwrap();
    assert_eq!((first.as_str(), output.status.code()), ("0\n", Some(0)));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
