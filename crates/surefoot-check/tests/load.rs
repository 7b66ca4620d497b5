//! Files as processes leave them: whole, torn, damaged, missing.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::fs;
use std::path::{Path, PathBuf};

use surefoot_check::history::{HistoryFile, Line};
use surefoot_check::{LoadError, Promise, judge, load};

// The parts of which the files of the tests are made.
const BEGIN: &str = include_str!("histories/begin.ndjson");
const HANDLED: &str = include_str!("histories/handled.ndjson");
const AGAIN: &str = include_str!("histories/again.ndjson");
const TORN: &str = include_str!("histories/torn.ndjson");
const KILLED: &str = include_str!("histories/killed.ndjson");
const TOPIC: &str = include_str!("histories/topic.ndjson");
const OFFSETS: &str = include_str!("histories/offsets.ndjson");

/// The files of a run in a directory of their own; removed with it.
struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    /// A run of two incarnations, the first one killed.
    fn new() -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        files.write("a-1.ndjson", &format!("{BEGIN}{HANDLED}"));
        files.write("a-2.ndjson", AGAIN);
        files.write("harness.ndjson", KILLED);
        files.write("orders-0.dump.ndjson", TOPIC);
        files.write("offsets.dump.ndjson", OFFSETS);
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The run must be read and have no violation.
    #[track_caller]
    fn passes(&self) {
        let run = load(&[self.directory.path()]).unwrap_or_else(|error| panic!("{error}"));
        let verdict = judge(&run, &Promise::of(&run).unwrap());
        assert!(verdict.passed, "{verdict}");
        assert_eq!(verdict.counts.handled, 2);
    }

    /// The run must be refused with a message that has all these words.
    #[track_caller]
    fn refused(&self, words: &[&str]) -> LoadError {
        let error = load(&[self.directory.path()]).unwrap_err();
        let message = error.to_string();
        for word in words {
            assert!(message.contains(word), "`{word}` is not in: {message}");
        }
        error
    }
}

#[test]
fn a_run_with_a_kill_is_read_and_passes() {
    Files::new().passes();
}

#[test]
fn a_torn_last_line_of_a_killed_incarnation_is_normal() {
    let files = Files::new();
    files.write("a-1.ndjson", &format!("{BEGIN}{HANDLED}{TORN}"));
    files.passes();
}

#[test]
fn a_torn_last_line_without_an_exit_is_normal() {
    let files = Files::new();
    files.write("a-1.ndjson", &format!("{BEGIN}{HANDLED}{TORN}"));
    files.remove("harness.ndjson");
    files.passes();
}

#[test]
fn an_incarnation_without_an_exit_counts_as_killed() {
    let files = Files::new();
    files.remove("harness.ndjson");
    let run = load(&[files.directory.path()]).unwrap();
    assert_eq!(judge(&run, &Promise::of(&run).unwrap()).counts.kills, 1);
}

#[test]
fn a_torn_last_line_after_an_exit_is_refused() {
    let files = Files::new();
    files.write("a-2.ndjson", &format!("{AGAIN}{TORN}"));
    files.refused(&["a-2.ndjson:13:", "torn", "was not killed"]);
}

#[test]
fn a_line_that_lacks_only_its_break_is_whole() {
    let files = Files::new();
    files.write("a-2.ndjson", AGAIN.trim_end());
    files.passes();
}

#[test]
fn a_process_that_died_before_its_first_line_is_normal() {
    let files = Files::new();
    files.write("a-3.ndjson", &BEGIN[..40]);
    let killed = r#"{"at":3000,"event":"killed","member":"a","incarnation":3}"#;
    files.write("harness.ndjson", &format!("{KILLED}{killed}\n"));
    files.passes();
    files.write("a-3.ndjson", "");
    files.passes();
    files.write("harness.ndjson", KILLED);
    files.refused(&["a-3.ndjson:1:", "not killed"]);
}

#[test]
fn a_damaged_line_in_the_middle_is_refused() {
    let files = Files::new();
    let damaged = HANDLED.replace(r#""offset":0,"attempt""#, r#""offset":,"attempt""#);
    files.write("a-1.ndjson", &format!("{BEGIN}{damaged}"));
    files.refused(&["a-1.ndjson:5:", "damaged", "record the run again"]);
}

#[test]
fn a_damaged_last_line_that_is_whole_is_refused() {
    let files = Files::new();
    files.write("a-1.ndjson", &format!("{BEGIN}{HANDLED}{TORN}\n"));
    files.refused(&["a-1.ndjson:9:", "damaged"]);
}

#[test]
fn a_line_without_a_field_is_refused() {
    let files = Files::new();
    files.write("a-1.ndjson", &format!("{BEGIN}{}", HANDLED.replacen(r#","term":1"#, "", 1)));
    files.refused(&["a-1.ndjson:2:", "term"]);
}

#[test]
fn an_unknown_event_is_refused() {
    let files = Files::new();
    files.write("a-1.ndjson", &format!("{BEGIN}{}", HANDLED.replace("delivered", "received")));
    files.refused(&["a-1.ndjson:4:", "unknown event `received`"]);
}

#[test]
fn a_file_that_lost_its_first_line_is_refused() {
    let files = Files::new();
    files.write("a-1.ndjson", HANDLED);
    files.refused(&["a-1.ndjson:1:", "`begin` is missing"]);
}

#[test]
fn another_format_is_refused() {
    let files = Files::new();
    let begin = BEGIN.replace(r#""format":1"#, r#""format":2"#);
    files.write("a-1.ndjson", &format!("{begin}{HANDLED}"));
    files.refused(&["a-1.ndjson:1:", "format 2"]);
}

#[test]
fn a_file_with_the_name_of_another_is_refused() {
    let files = Files::new();
    files.write("b-1.ndjson", &format!("{BEGIN}{HANDLED}"));
    files.refused(&["b-1.ndjson:1:", "named after b-1"]);
}

#[test]
fn two_incarnations_in_one_file_are_refused() {
    let files = Files::new();
    files.write("a-1.ndjson", &format!("{BEGIN}{HANDLED}{BEGIN}"));
    files.refused(&["a-1.ndjson:9:", "second `begin`"]);
}

#[test]
fn a_missing_incarnation_is_refused() {
    let files = Files::new();
    files.remove("a-1.ndjson");
    let error = files.refused(&["a-1", "missing"]);
    assert!(matches!(error, LoadError::MissingIncarnation { .. }));
}

#[test]
fn a_missing_last_incarnation_is_refused_when_its_launch_is_on_record() {
    let files = Files::new();
    files.remove("a-2.ndjson");
    files.refused(&["a-2", "missing", "launched"]);
}

#[test]
fn a_missing_topic_dump_is_refused() {
    let files = Files::new();
    files.remove("orders-0.dump.ndjson");
    files.refused(&["no dump of orders[0]"]);
}

#[test]
fn a_missing_offsets_dump_is_refused() {
    let files = Files::new();
    files.remove("offsets.dump.ndjson");
    files.refused(&["no dump of the offsets of group billing"]);
    files.write("offsets.dump.ndjson", &OFFSETS.replace("billing", "other"));
    files.refused(&["no dump of the offsets of group billing"]);
}

#[test]
fn a_dump_without_a_trailer_is_refused() {
    let files = Files::new();
    let cut = TOPIC.lines().take(3).map(|line| format!("{line}\n")).collect::<String>();
    files.write("orders-0.dump.ndjson", &cut);
    files.refused(&["orders-0.dump.ndjson:3:", "no trailer"]);
}

#[test]
fn a_dump_with_another_number_of_entries_is_refused() {
    let files = Files::new();
    files.write("orders-0.dump.ndjson", &TOPIC.replace(r#""records":2"#, r#""records":3"#));
    files.refused(&["orders-0.dump.ndjson:4:", "the trailer says 3 entries, the dump has 2"]);
}

#[test]
fn a_dump_whose_offsets_do_not_rise_is_refused() {
    let files = Files::new();
    files.write("orders-0.dump.ndjson", &TOPIC.replace(r#""offset":1"#, r#""offset":0"#));
    files.refused(&["orders-0.dump.ndjson:3:", "offset 0 is not in 1..2"]);
}

#[test]
fn two_dumps_of_one_partition_are_refused() {
    let files = Files::new();
    files.write("more.ndjson", TOPIC);
    files.refused(&["orders[0]", "give the files of one run only"]);
}

#[test]
fn dumps_may_share_a_file() {
    let files = Files::new();
    files.write("orders-0.dump.ndjson", &format!("{TOPIC}{OFFSETS}"));
    files.remove("offsets.dump.ndjson");
    files.passes();
}

#[test]
fn members_that_were_told_different_things_are_refused() {
    let files = Files::new();
    files.write("a-2.ndjson", &AGAIN.replace("at-least-once", "at-most-once"));
    files.refused(&["a-2.ndjson", "guarantee at-most-once, others at-least-once"]);
}

#[test]
fn a_kill_that_is_noted_early_comes_after_the_last_line() {
    let files = Files::new();
    files.write("harness.ndjson", &KILLED.replace("1085", "1035"));
    files.passes();
}

#[test]
fn violations_name_files_and_lines() {
    let files = Files::new();
    files.write(
        "a-1.ndjson",
        &format!("{BEGIN}{}", HANDLED.replace(r#""result":"ok""#, r#""result":"error""#)),
    );
    let run = load(&[files.directory.path()]).unwrap();
    let verdict = judge(&run, &Promise::of(&run).unwrap());
    let first = &verdict.violations[0];
    assert_eq!(first.message, "orders[0]@0 failed in term 1 when position 1 was sent");
    let lines: Vec<(&str, u32)> =
        first.events.iter().map(|event| (event.source.as_str(), event.line)).collect();
    assert_eq!(lines, [("a-1", 5), ("a-1", 6), ("a-1", 7)]);
    assert!(verdict.to_string().contains("a-1:7"), "{verdict}");
    assert_eq!(verdict.exit_code(), 1);
}

#[test]
fn nothing_to_read_is_refused() {
    let none: [&Path; 0] = [];
    assert!(matches!(load(&none), Err(LoadError::NoMember)));
    assert!(matches!(load(&["no/such/file"]), Err(LoadError::Unreadable { .. })));
}

#[test]
fn a_written_history_is_read_back() {
    let files = Files::new();
    let directory = files.directory.path();
    assert_eq!(HistoryFile::next_incarnation(directory, "a").unwrap(), 3);
    let begin = match Line::parse(BEGIN.trim_end()).unwrap().event {
        surefoot_check::history::Event::Begin(begin) => *begin,
        other => panic!("{other:?}"),
    };
    let begin = surefoot_check::history::Begin { incarnation: 3, ..begin };
    let file = HistoryFile::create(directory, begin.clone()).unwrap();
    for line in HANDLED.lines().take(2) {
        let Line { at, event } = Line::parse(line).unwrap();
        file.record_at(at + 4_000, event).unwrap();
    }
    assert!(HistoryFile::create(directory, begin).is_err(), "an incarnation is written once");
    let text = fs::read_to_string(file.path()).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(load(&[directory]).is_ok());
}
