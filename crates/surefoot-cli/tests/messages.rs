//! What the command line says without a cluster: help, refusals, exit codes.
//!
//! People and scripts read these lines, so a change of them is a decision. Each snapshot is the
//! exit code, standard output and standard error of one command line.

use std::cell::RefCell;
use std::io::{self, Write};
use std::net::TcpListener;
use std::rc::Rc;

use insta::assert_snapshot;
use surefoot_cli::{Env, Terminal, run};

/// A stream that is looked at afterwards.
#[derive(Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).expect("the command line speaks UTF-8")
    }
}

fn said(args: &[&str]) -> String {
    let (stdout, stderr) = (Page::default(), Page::default());
    let mut env = Env {
        stdin: Box::new(io::empty()),
        stdout: Box::new(stdout.clone()),
        stderr: Box::new(stderr.clone()),
        terminal: Terminal::Plain,
    };
    let args = ["surefoot"].iter().chain(args).map(|arg| (*arg).to_owned());
    let exit = run(args, &mut env).code();
    format!("exit {exit}\n{}{}", stdout.text(), stderr.text())
}

/// An address that nothing listens on, under a name that stays the same in snapshots.
fn said_of_nobody(args: &[&str]) -> String {
    let free = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = free.local_addr().expect("it is bound").to_string();
    drop(free);
    let mut args = args.to_vec();
    args.extend(["--bootstrap-server", &address]);
    said(&args).replace(&address, "127.0.0.1:PORT")
}

const CLUSTER: &str = "--bootstrap-server=127.0.0.1:9";

#[test]
fn options_that_do_not_exist_are_named() {
    assert_snapshot!(said(&["topics", "lst"]), @"
    exit 2
    error: unrecognized subcommand 'lst'
    hint: did you mean 'list'?
    ");
    assert_snapshot!(said(&["topics", "list", "--nonsense"]), @"
    exit 2
    error: unexpected argument '--nonsense' found
    hint: see --help
    ");
    assert_snapshot!(said(&["topics", "list", CLUSTER, "-X", "nonsense=1"]), @r#"
    exit 2
    error: librdkafka has no option "nonsense"
    hint: look at -X and --config; the names are librdkafka's, listed in its CONFIGURATION.md
    "#);
    assert_snapshot!(said(&["topics", "list", CLUSTER, "-X", "sasl.jaas.config=x"]), @"
    exit 2
    error: sasl.jaas.config is an option of Kafka's Java client
    hint: librdkafka takes sasl.username and sasl.password in its place
    ");
    assert_snapshot!(said(&["topics", "list", CLUSTER, "-X", "nonsense"]), @"
    exit 2
    error: invalid value 'nonsense' for '-X <KEY=VALUE>': key=value is expected
    hint: see --help
    ");
}

#[test]
fn values_that_cannot_be_are_named() {
    assert_snapshot!(said(&["topics", "list", CLUSTER, "-X", "security.protocol=tls"]), @r#"
    exit 2
    error: security.protocol=tls is not possible: Invalid value "tls" for configuration property "security.protocol"
    hint: look at -X and --config; librdkafka's CONFIGURATION.md has the range of each option
    "#);
    assert_snapshot!(said(&["topics", "list", CLUSTER, "-Xsasl.mechanism=X", "-Xsecurity.protocol=sasl_ssl"]), @"
    exit 2
    error: the Kafka client refused its options: Unsupported SASL mechanism: X
    hint: look at -X and --config
    ");
    assert_snapshot!(said(&["topics", "list", "-b", "http://localhost:9092"]), @r#"
    exit 2
    error: "http://localhost:9092" is not the address of a broker
    hint: --bootstrap-server takes HOST:PORT, several separated by commas
    "#);
    assert_snapshot!(said(&["topics", "list", CLUSTER, "--timeout", "soon"]), @"
    exit 2
    error: invalid value 'soon' for '--timeout <TIME>': a time such as 500ms, 10s or 2m is expected
    hint: see --help
    ");
    assert_snapshot!(said(&["topics", "create", "t", CLUSTER, "--partitions", "0"]), @"
    exit 2
    error: invalid value '0' for '--partitions <N>': 0 is not in 1..=2147483647
    hint: see --help
    ");
    assert_snapshot!(said(&["consume", "t", CLUSTER, "--from", "middle"]), @"
    exit 2
    error: invalid value 'middle' for '--from <WHERE>': beginning, end, an offset, a time such as 2026-01-31T08:00:00Z, or @MILLISECONDS is expected
    hint: see --help
    ");
    assert_snapshot!(said(&["topics", "list", CLUSTER, "--config", "no-such.conf"]), @"
    exit 2
    error: cannot read no-such.conf: No such file or directory (os error 2)
    ");
}

#[test]
fn options_that_contradict_the_command_are_refused() {
    assert_snapshot!(said(&["produce", "t", CLUSTER, "-X", "acks=0"]), @"
    exit 2
    error: acks=0 cannot be set here
    hint: a record counts as produced when all in-sync replicas have it
    ");
    assert_snapshot!(said(&["produce", "t", CLUSTER, "-X", "enable.idempotence=false"]), @"
    exit 2
    error: enable.idempotence=false cannot be set here
    hint: produce is always idempotent
    ");
    assert_snapshot!(said(&["consume", "t", CLUSTER, "-X", "isolation.level=read_uncommitted"]), @"
    exit 2
    error: isolation.level=read_uncommitted cannot be set here
    hint: the command chooses it; `surefoot consume` takes --isolation
    ");
    assert_snapshot!(said(&["produce", "t", CLUSTER, "--key", "id"]), @"
    exit 2
    error: --key does not go with --format lines
    hint: lines take --key-separator
    ");
    assert_snapshot!(said(&["produce", "t", "f.csv", CLUSTER, "--key-separator", ":"]), @"
    exit 2
    error: --key-separator does not go with --format csv
    hint: --key names the key's column or field
    ");
    assert_snapshot!(said(&["produce", "t", "f.ndjson", CLUSTER, "--value", "id"]), @"
    exit 2
    error: --value does not go with --format ndjson
    hint: it chooses among CSV columns
    ");
}

#[test]
fn options_that_contradict_the_guarantee_are_refused() {
    let group = ["consume", "t", CLUSTER, "--group", "g"];
    let said_with = |options: &[&str]| said(&[&group, options].concat());
    assert_snapshot!(said_with(&["-X", "enable.auto.commit=true"]), @"
    exit 2
    error: client option `enable.auto.commit` = `true` cannot be set: commits follow the commit policy; choose one with commit_policy
    hint: leave enable.auto.commit out of -X and --config; --guarantee says when a record is committed
    ");
    assert_snapshot!(said_with(&["-X", "auto.offset.reset=latest"]), @"
    exit 2
    error: auto.offset.reset=latest cannot be set here
    hint: `surefoot consume` takes --from
    ");
    assert_snapshot!(said_with(&["-X", "group.id=h"]), @"
    exit 2
    error: group.id=h cannot be set here
    hint: --group names the group
    ");
    assert_snapshot!(said_with(&["-X", "sasl.username=alice"]), @"
    exit 2
    error: client option `sasl.username` contradicts `security.protocol=plaintext`: the connection would not authenticate; use sasl_plaintext or sasl_ssl
    hint: look at -X and --config
    ");
    let slow = ["-X", "max.poll.interval.ms=20000", "-X", "session.timeout.ms=10000"];
    assert_snapshot!(said_with(&[&slow[..], &["--timeout", "30s"]].concat()), @"
    exit 2
    error: drain deadline of 30s is not below `max.poll.interval.ms` (20s): the group waits no longer than that for partitions to be given back, and would hand them out while they drain; lower drain_deadline or raise `max.poll.interval.ms`
    hint: the drain deadline is --timeout, at most 30 s: lower it, or raise -X max.poll.interval.ms
    ");
    assert_snapshot!(said_with(&["--partition", "1"]), @"
    exit 2
    error: the argument '--group <GROUP>' cannot be used with '--partition <N>'
    hint: see --help
    ");
    assert_snapshot!(said(&["consume", "t", CLUSTER, "--guarantee", "at-most-once"]), @"
    exit 2
    error: the following required arguments were not provided: --group <GROUP>
    hint: see --help
    ");
    assert_snapshot!(said(&["consume", "t", CLUSTER, "--group", ""]), @"
    exit 2
    error: group.id is empty: give the name of the consumer group
    hint: check --group
    ");
    assert_snapshot!(said(&["consume", "order lines", CLUSTER, "--group", "g"]), @"
    exit 2
    error: topic `order lines` is no topic name: use 1 to 249 of the characters a-z A-Z 0-9 . _ - (for several by pattern: topic_pattern)
    hint: check the topic
    ");
    assert_snapshot!(said_of_nobody(&["consume", "t", "--group", "g"]), @"
    exit 3
    error: no broker at 127.0.0.1:PORT: connection refused
    hint: is it up? wrong port? check --bootstrap-server
    ");
}

#[test]
fn a_cluster_must_be_named() {
    // The variable is the other way to name one.
    if std::env::var_os("SUREFOOT_BOOTSTRAP").is_none() {
        assert_snapshot!(said(&["topics", "list"]), @"
        exit 2
        error: no cluster was named
        hint: give --bootstrap-server HOST:PORT, or set SUREFOOT_BOOTSTRAP
        ");
    }
}

#[test]
fn nobody_at_the_address_is_said_with_the_setting() {
    assert_snapshot!(said_of_nobody(&["topics", "list"]), @"
    exit 3
    error: no broker at 127.0.0.1:PORT: connection refused
    hint: is it up? wrong port? check --bootstrap-server
    ");
    assert_snapshot!(said_of_nobody(&["topics", "list", "--json"]), @r#"
    exit 3
    {"error":"no broker at 127.0.0.1:PORT: connection refused","exit":3,"hint":"is it up? wrong port? check --bootstrap-server"}
    "#);
}

#[test]
fn a_name_that_means_no_machine_is_said_with_the_setting() {
    assert_snapshot!(said(&["topics", "list", "-b", "nobody.invalid:9092"]), @"
    exit 3
    error: the name in nobody.invalid:9092 cannot be resolved
    hint: check --bootstrap-server
    ");
}

#[test]
fn a_port_that_never_answers_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = silent.local_addr().expect("it is bound").to_string();
    let said = said(&["topics", "list", "--timeout", "300ms", "-b", &address]);
    assert_snapshot!(said.replace(&address, "127.0.0.1:PORT"), @"
    exit 3
    error: no answer from 127.0.0.1:PORT within 300ms
    hint: is it up? wrong port? is TLS missing (-X security.protocol=ssl)? --timeout waits longer
    ");
}

#[test]
fn histories_that_are_none_are_refused() {
    assert_snapshot!(said(&["check", "no-such-directory"]), @"
    exit 2
    error: no-such-directory: cannot be read: No such file or directory (os error 2)
    ");
    let empty = tempfile::tempdir().expect("a scratch directory");
    let path = empty.path().to_str().expect("UTF-8");
    assert_snapshot!(said(&["check", path]), @"
    exit 2
    error: no history of a member: give the files `<member>-<incarnation>.ndjson` that the workers wrote, or their directory
    ");
}

#[test]
fn input_files_that_are_none_are_refused() {
    assert_snapshot!(said(&["produce", "t", "no-such.csv", CLUSTER]), @"
    exit 2
    error: cannot read no-such.csv: No such file or directory (os error 2)
    ");
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let file = scratch.path().join("rows.csv");
    std::fs::write(&file, "id,city\n1,Bonn\n").expect("a scratch file");
    let path = file.to_str().expect("UTF-8");
    let said = said(&["produce", "t", path, CLUSTER, "--key", "town"]);
    assert_snapshot!(said.replace(path, "rows.csv"), @r#"
    exit 2
    error: rows.csv: the CSV file has no column "town"
    hint: --key takes one of id, city
    "#);
}

#[test]
fn help_of_everything() {
    for command in [
        "",
        "topics",
        "topics create",
        "topics list",
        "topics describe",
        "topics dump",
        "produce",
        "consume",
        "offsets",
        "offsets dump",
        "check",
        "completions",
    ] {
        let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
        let name = [&["help"], &words[..]].concat().join("_");
        assert_snapshot!(name, said(&[&words[..], &["--help"]].concat()));
    }
}

#[test]
fn completions_know_the_commands() {
    let script = said(&["completions", "bash"]);
    assert!(script.starts_with("exit 0\n"));
    for word in ["produce", "consume", "topics", "offsets", "check", "--until-end"] {
        assert!(script.contains(word), "{word}");
    }
}
