//! What became of each line: acknowledged, failed, or still unknown.
//!
//! Sent means nothing; only the broker's acknowledgement does. The ledger counts acknowledgements
//! by partition and keeps failures as runs of lines, because a broker that dies fails a hundred
//! thousand records for one reason.

use std::collections::BTreeMap;
use std::fmt::Write;

use rdkafka::error::RDKafkaErrorCode;
use serde::Serialize;

use crate::produce::input::LineNumber;

/// The end of one record's way.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) line: LineNumber,
    pub(super) fate: Fate,
}

#[derive(Debug)]
pub(super) enum Fate {
    Acknowledged {
        partition: i32,
        offset: i64,
        bytes: u64,
    },
    /// The cluster refused it or did not answer in time. In the second case it may be in the log.
    Failed {
        why: String,
        code: Option<RDKafkaErrorCode>,
    },
}

/// What one partition got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct PartitionCount {
    pub(super) partition: i32,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) first_offset: i64,
    pub(super) last_offset: i64,
}

/// Lines that follow each other and failed for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct FailedRun {
    pub(super) first_line: u64,
    pub(super) last_line: u64,
    pub(super) records: u64,
    pub(super) why: String,
}

/// Counts what became of the records.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sent: u64,
    last_line: LineNumber,
    acknowledged: u64,
    bytes: u64,
    partitions: BTreeMap<i32, PartitionCount>,
    // By reason; the lines of one reason come nearly in order.
    failures: BTreeMap<String, Vec<LineNumber>>,
    failed: u64,
    first_failure: Option<RDKafkaErrorCode>,
}

impl Ledger {
    /// Notes that the record of a line was handed to the client.
    pub(super) fn sent(&mut self, line: LineNumber) {
        self.sent += 1;
        self.last_line = line;
    }

    /// Notes how a record ended.
    pub(super) fn close(&mut self, report: Report) {
        match report.fate {
            Fate::Acknowledged { partition, offset, bytes } => {
                self.acknowledged += 1;
                self.bytes += bytes;
                let count = self.partitions.entry(partition).or_insert(PartitionCount {
                    partition,
                    records: 0,
                    bytes: 0,
                    first_offset: offset,
                    last_offset: offset,
                });
                count.records += 1;
                count.bytes += bytes;
                count.first_offset = count.first_offset.min(offset);
                count.last_offset = count.last_offset.max(offset);
            }
            Fate::Failed { why, code } => {
                self.failed += 1;
                self.first_failure = self.first_failure.or(code);
                self.failures.entry(why).or_default().push(report.line);
            }
        }
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    pub(super) fn acknowledged_bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    /// The last line that was sent; 0 before the first.
    pub(super) fn last_line(&self) -> LineNumber {
        self.last_line
    }

    /// The client's code of the failure that was reported first.
    pub(super) fn first_failure(&self) -> Option<RDKafkaErrorCode> {
        self.first_failure
    }

    /// Records that were handed to the client and of which nothing is known.
    pub(super) fn open(&self) -> u64 {
        self.sent - self.acknowledged - self.failed
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = PartitionCount> {
        self.partitions.values().copied()
    }

    /// The failures, by their first line.
    pub(super) fn failed_runs(&self) -> Vec<FailedRun> {
        let mut runs: Vec<FailedRun> = Vec::new();
        for (why, lines) in &self.failures {
            let mut lines = lines.clone();
            lines.sort_unstable();
            let mut open: Option<FailedRun> = None;
            for LineNumber(line) in lines {
                match &mut open {
                    Some(run) if line <= run.last_line + 1 => {
                        run.last_line = line;
                        run.records += 1;
                    }
                    _ => {
                        runs.extend(open.replace(FailedRun {
                            first_line: line,
                            last_line: line,
                            records: 1,
                            why: why.clone(),
                        }));
                    }
                }
            }
            runs.extend(open);
        }
        runs.sort_by_key(|run| run.first_line);
        runs
    }
}

impl FailedRun {
    /// The run in one line for people.
    pub(super) fn describe(&self) -> String {
        let mut text = if self.first_line == self.last_line {
            format!("line {}", self.first_line)
        } else {
            format!("lines {} to {}", self.first_line, self.last_line)
        };
        write!(text, " not acknowledged: {}", self.why).expect("a string takes every text");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(line: u64, why: &str) -> Report {
        Report { line: LineNumber(line), fate: Fate::Failed { why: why.to_owned(), code: None } }
    }

    fn acknowledged(line: u64, partition: i32, offset: i64) -> Report {
        Report { line: LineNumber(line), fate: Fate::Acknowledged { partition, offset, bytes: 10 } }
    }

    #[test]
    fn only_acknowledgements_count_as_produced() {
        let mut ledger = Ledger::default();
        for line in 1..=4 {
            ledger.sent(LineNumber(line));
        }
        ledger.close(acknowledged(2, 1, 8));
        ledger.close(acknowledged(1, 1, 7));
        ledger.close(failed(3, "no"));
        assert_eq!((ledger.acknowledged(), ledger.failed(), ledger.open()), (2, 1, 1));
        let counts: Vec<_> = ledger.partitions().collect();
        assert_eq!(
            counts,
            [PartitionCount {
                partition: 1,
                records: 2,
                bytes: 20,
                first_offset: 7,
                last_offset: 8
            }]
        );
    }

    #[test]
    fn failures_are_runs_of_lines_with_one_reason() {
        let mut ledger = Ledger::default();
        for line in [7, 5, 6, 9] {
            ledger.sent(LineNumber(line));
            ledger.close(failed(line, "timed out"));
        }
        ledger.sent(LineNumber(8));
        ledger.close(failed(8, "too large"));
        let lines: Vec<String> = ledger.failed_runs().iter().map(FailedRun::describe).collect();
        assert_eq!(
            lines,
            [
                "lines 5 to 7 not acknowledged: timed out",
                "line 8 not acknowledged: too large",
                "line 9 not acknowledged: timed out",
            ]
        );
    }
}
