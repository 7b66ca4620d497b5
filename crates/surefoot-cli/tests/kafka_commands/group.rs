//! `surefoot consume --group`: what was written is committed, and nothing else.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Command;

use insta::assert_snapshot;

use crate::log::{End, Writer, committed};
use crate::program::{Ran, command, fresh, surefoot, surefoot_reading, topic};

/// Ten numbered records in each partition, the partition's number before them.
fn fill(topic: &str, partitions: usize) {
    let lines: String = (0..partitions)
        .flat_map(|partition| (0..10).map(move |number| (partition, number)))
        .map(|(partition, number)| {
            format!("{{\"value\":\"{partition}:{number}\",\"partition\":{partition}}}\n")
        })
        .collect();
    surefoot_reading(&["produce", topic, "--format", "ndjson"], &lines).quietly();
}

/// The values that a member prints, with what it was told beside topic and group.
fn values(topic: &str, group: &str, options: &[&str]) -> Vec<String> {
    let args = ["consume", topic, "--group", group, "--format", "value"];
    let text = surefoot(&[&args, options].concat()).quietly();
    text.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn the_next_run_goes_on_exactly_where_the_last_one_stopped() {
    let topic = topic("resume", &["--partitions", "3"]);
    fill(&topic, 3);
    for guarantee in ["at-least-once", "at-most-once"] {
        let group = fresh("resume");
        let told = ["--guarantee", guarantee];
        let mut seen = Vec::new();
        for max in ["7", "1", "12"] {
            let printed = values(&topic, &group, &[&told[..], &["--max", max]].concat());
            assert_eq!(printed.len().to_string(), max);
            seen.extend(printed);
            let done: i64 = committed(&group, &topic, 3).into_iter().flatten().sum();
            assert_eq!(done, seen.len() as i64, "{guarantee}: nothing else is committed");
        }
        seen.extend(values(&topic, &group, &[&told[..], &["--until-end"]].concat()));
        for partition in 0..3 {
            let name = format!("{partition}:");
            let numbers = seen.iter().filter_map(|value| value.strip_prefix(&name));
            let numbers: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
            assert_eq!(numbers, (0..10).collect::<Vec<_>>(), "{guarantee} of {partition}");
        }
        assert_eq!(committed(&group, &topic, 3), [Some(10); 3]);
        assert_eq!(values(&topic, &group, &["--until-end"]), [""; 0]);
    }
}

#[test]
fn the_end_lies_behind_transaction_markers_and_is_committed() {
    let topic = topic("group-markers", &[]);
    let group = fresh("markers");
    let writer = Writer::new();
    writer.transaction(&topic, &["a", "b"], End::Commit);
    assert_eq!(values(&topic, &group, &["--until-end"]), ["a", "b"]);
    assert_eq!(committed(&group, &topic, 1), [Some(3)], "behind the marker");
    writer.transaction(&topic, &["c"], End::Abort);
    assert_eq!(values(&topic, &group, &["--until-end"]), [""; 0]);
    assert_eq!(committed(&group, &topic, 1), [Some(5)]);
    let all = ["--until-end", "--isolation", "read_uncommitted"];
    assert_eq!(values(&topic, &fresh("dirty"), &all), ["a", "b", "c"]);
    let empty = crate::program::topic("group-empty", &["--partitions", "3"]);
    assert_eq!(values(&empty, &group, &["--until-end"]), [""; 0]);
}

#[test]
fn from_is_for_partitions_without_a_committed_offset() {
    let topic = topic("group-from", &[]);
    fill(&topic, 1);
    let group = fresh("from");
    assert_eq!(values(&topic, &group, &["--from", "8", "--max", "1"]), ["0:8"]);
    assert_eq!(values(&topic, &group, &["--from", "2", "--max", "1"]), ["0:9"]);
    let late = fresh("late");
    assert_eq!(values(&topic, &late, &["--from", "end", "--until-end"]), [""; 0]);
    assert_eq!(committed(&late, &topic, 1), [Some(10)], "its place is kept");
}

#[test]
fn a_signal_commits_what_was_written_and_leaves() {
    let topic = topic("group-signal", &[]);
    fill(&topic, 1);
    for signal in ["INT", "TERM"] {
        let group = fresh("signal");
        let args = ["consume", &topic, "--group", &group, "--format", "value"];
        let mut child = command(&args).spawn().unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let last = printed.by_ref().map(Result::unwrap).find(|value| value == "0:9");
        assert!(last.is_some());
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        assert_eq!(committed(&group, &topic, 1), [Some(10)]);
    }
}

#[test]
fn a_record_that_was_not_written_is_not_committed() {
    let topic = topic("group-pipe", &[]);
    surefoot_reading(&["produce", &topic], "read\n").quietly();
    let group = fresh("pipe");
    let args = ["consume", &topic, "--group", &group, "--format", "value"];
    let mut child = command(&args).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    // The reader is dropped before the next record comes: the pipe has no other end.
    surefoot_reading(&["produce", &topic], "unread\n").quietly();
    let output = child.wait_with_output().unwrap();
    assert_eq!((first.as_str(), output.status.code()), ("read\n", Some(0)));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(committed(&group, &topic, 1), [Some(1)]);
    assert_eq!(values(&topic, &group, &["--until-end"]), ["unread"]);
}

#[test]
fn a_full_disk_commits_nothing() {
    let topic = topic("group-full", &["--partitions", "3"]);
    fill(&topic, 3);
    let group = fresh("full");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut consume = command(&["consume", &topic, "--group", &group]);
    let ran = Ran::of(consume.stdout(full).output().unwrap());
    assert_snapshot!(ran.complaint(&[]), @"
    exit 2
    error: cannot write to standard output: No space left on device (os error 28)
    ");
    assert!(committed(&group, &topic, 3).iter().flatten().all(|position| *position == 0));
}

#[test]
fn what_another_member_holds_is_waited_for() {
    let topic = topic("group-two", &[]);
    fill(&topic, 1);
    let group = fresh("two");
    let args = ["consume", &topic, "--group", &group, "--format", "value"];
    let mut follower = command(&args).spawn().unwrap();
    let mut printed = BufReader::new(follower.stdout.take().unwrap()).lines();
    assert_eq!(printed.next().unwrap().unwrap(), "0:0");
    // One partition, and the follower may keep it: this member gets none and ends all the same.
    let member = surefoot(&[&args[..], &["--until-end"]].concat());
    let place = committed(&group, &topic, 1);
    follower.kill().unwrap();
    follower.wait().unwrap();
    let rest = member.quietly();
    assert!(rest.is_empty() || rest.ends_with("0:9\n"), "{rest}");
    assert_eq!(place, [Some(10)]);
}
