//! `surefoot offsets`.

use serde_json::{Value, json};

use crate::log::commit;
use crate::program::{fresh, surefoot, topic};

#[test]
fn every_commit_of_a_group_is_dumped_in_order() {
    let topic = topic("committed", &[]);
    let (group, other) = (fresh("group"), fresh("group"));
    commit(&group, &topic, &[(3, "first"), (9, "")]);
    commit(&other, &topic, &[(5, "")]);
    commit(&group, &topic, &[(1, "b\u{e4}ck")]);
    let lines = surefoot(&["offsets", "dump", &group]).json_lines();
    assert_eq!(lines[0], json!({"dump": "offsets", "group": group}));
    assert_eq!(lines[4], json!({"dump_end": true, "records": 3}));
    let commits: Vec<Value> = lines[1..4]
        .iter()
        .map(|line| json!([line["topic"], line["partition"], line["position"], line["metadata"]]))
        .collect();
    let expected = [
        json!([topic, 0, 3, "first"]),
        json!([topic, 0, 9, ""]),
        json!([topic, 0, 1, "b\u{e4}ck"]),
    ];
    assert_eq!(commits, expected);
    let seqs: Vec<u64> = lines[1..4].iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
}

#[test]
fn a_group_without_commits_is_said() {
    let group = fresh("nobody");
    let ran = surefoot(&["offsets", "dump", &group]);
    assert_eq!(ran.exit, 0);
    assert_eq!(ran.stderr, format!("group {group:?} has no commits in __consumer_offsets\n"));
}
