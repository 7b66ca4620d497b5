//! What `produce` says at its end: what was acknowledged, and why it ended where it did.
//!
//! The summary is the same whether the run was complete or not, so that a script finds the counts
//! in one place; the exit code and the complaint say which it was.

use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};
use rdkafka::error::RDKafkaErrorCode;
use serde::Serialize;

use crate::args::Output;
use crate::cluster::{Action, Cluster, refusal};
use crate::complaint::Complaint;
use crate::env::Env;
use crate::exit::Exit;
use crate::produce::input::BadLine;
use crate::produce::ledger::{FailedRun, PartitionCount};
use crate::produce::sender::Sender;
use crate::table::{Align, layout};

/// How many runs of failed lines are shown; JSON has them all.
const SHOWN_RUNS: usize = 10;

/// Why reading ended.
#[derive(Debug)]
pub(super) enum Ending {
    Complete,
    BadLine(BadLine),
    Unreadable(String),
    /// A record was not acknowledged.
    Failed,
    Interrupted,
}

/// The counts of one run.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    topic: String,
    records: u64,
    bytes: u64,
    seconds: f64,
    records_per_second: f64,
    partitions: Vec<PartitionCount>,
    skipped_lines: u64,
    /// The last line of which a record was sent.
    last_line: u64,
    not_acknowledged: u64,
    /// Records of which nothing was heard before the command gave up.
    unknown: u64,
    failures: Vec<FailedRun>,
    #[serde(skip)]
    first_failure: Option<RDKafkaErrorCode>,
}

impl Summary {
    pub(super) fn of(topic: &str, sender: &Sender, took: Duration, skipped: u64) -> Self {
        let ledger = &sender.ledger;
        let seconds = took.as_secs_f64();
        let records = ledger.acknowledged();
        Self {
            topic: topic.to_owned(),
            records,
            bytes: ledger.acknowledged_bytes(),
            seconds,
            // A run has at least the time of one request.
            records_per_second: (records as f64 / seconds.max(0.001)).round(),
            partitions: ledger.partitions().collect(),
            skipped_lines: skipped,
            last_line: ledger.last_line().0,
            not_acknowledged: ledger.failed(),
            unknown: ledger.open(),
            failures: ledger.failed_runs(),
            first_failure: sender.fatal().or_else(|| ledger.first_failure()),
        }
    }

    /// Prints the counts, then what went wrong, and decides the exit code.
    pub(super) fn tell(
        &self,
        input: &str,
        ending: Ending,
        cluster: &Cluster,
        output: Output,
        env: &mut Env,
    ) -> Result<Exit, Complaint> {
        if let Some(refused) = self.refused_altogether(cluster) {
            return Err(refused);
        }
        match output {
            Output::Json => env.print_json(self)?,
            Output::Text => env.print(&self.render())?,
        }
        if output == Output::Text {
            for run in self.failures.iter().take(SHOWN_RUNS) {
                env.remark(&run.describe());
            }
        }
        self.verdict(input, ending)
    }

    /// When the cluster refused the first record for a reason that holds for all, that is all there
    /// is to say.
    fn refused_altogether(&self, cluster: &Cluster) -> Option<Complaint> {
        let code = self.first_failure.filter(|_| self.records == 0)?;
        let of_all = matches!(
            code,
            RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownTopicOrPartition
        );
        of_all.then(|| refusal(code, &Action::Write { topic: &self.topic }, cluster))
    }

    fn verdict(&self, input: &str, ending: Ending) -> Result<Exit, Complaint> {
        let acknowledged = format!("acknowledged before it: {}", records(self.records));
        let lost = self.not_acknowledged + self.unknown;
        match ending {
            Ending::Interrupted if lost > 0 => Err(Complaint::interrupted(format!(
                "interrupted: {} sent and not acknowledged",
                records(lost)
            ))),
            Ending::Interrupted => Ok(Exit::Interrupted),
            _ if lost > 0 => Err(Complaint::partial(format!(
                "not acknowledged: {}; reading stopped after line {}",
                records(lost),
                self.last_line
            ))
            .hint(self.way_on())),
            Ending::BadLine(BadLine { line, why }) => Err(Complaint::refused(format!(
                "{input}:{line}: {why}"
            ))
            .hint(format!(
                "{acknowledged}; go on with --from-line {line} when it is mended, or leave such \
                     lines out with --bad-lines skip"
            ))),
            Ending::Unreadable(why) => {
                Err(Complaint::refused(format!("{input} cannot be read any further: {why}"))
                    .hint(acknowledged))
            }
            Ending::Complete | Ending::Failed if self.skipped_lines > 0 => Ok(Exit::Negative),
            Ending::Complete | Ending::Failed => Ok(Exit::Success),
        }
    }

    fn way_on(&self) -> String {
        match self.failures.first() {
            Some(run) => format!(
                "all other lines up to there are acknowledged; --from-line {} sends the missing \
                 ones again and goes on, and what did get through after it is then there twice",
                run.first_line
            ),
            None => "the topic may have some of them".to_owned(),
        }
    }

    fn render(&self) -> String {
        let mut text = format!(
            "produced {}, {}, to {} in {:.1} s, {} records/s\n",
            records(self.records),
            HumanBytes(self.bytes),
            self.topic,
            self.seconds,
            HumanCount(self.records_per_second as u64),
        );
        if self.skipped_lines > 0 {
            text.push_str(&format!("skipped lines: {}\n", self.skipped_lines));
        }
        if self.partitions.is_empty() {
            return text;
        }
        let columns = [
            ("PARTITION", Align::Right),
            ("RECORDS", Align::Right),
            ("BYTES", Align::Right),
            ("FIRST OFFSET", Align::Right),
            ("LAST OFFSET", Align::Right),
        ];
        let cells = self.partitions.iter().map(|count| {
            vec![
                count.partition.to_string(),
                count.records.to_string(),
                count.bytes.to_string(),
                count.first_offset.to_string(),
                count.last_offset.to_string(),
            ]
        });
        text.push_str(&layout(&columns, cells.collect()));
        text
    }
}

fn records(count: u64) -> String {
    match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}
