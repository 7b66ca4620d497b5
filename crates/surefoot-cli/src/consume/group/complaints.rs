//! How the library's errors are said on a command line: the same causes, with the options of this
//! command in place of the builder's.

use rdkafka::error::RDKafkaErrorCode;
use surefoot::{BuildError, RunError, SettingsError, StartError, StartProblem};

use crate::cluster::{Action, Cluster, refusal};
use crate::complaint::Complaint;

/// A combination that was refused before anything was sent.
pub(super) fn of_build(error: &BuildError) -> Complaint {
    let complaint = Complaint::refused(error.to_string());
    match error {
        BuildError::TopicName { .. } => complaint.hint("check the topic"),
        BuildError::Settings(SettingsError::Empty { option: "group.id", .. }) => {
            complaint.hint("check --group")
        }
        BuildError::Settings(SettingsError::Reserved { option, .. }) => {
            let option_goes = format!("leave {option} out of -X and --config");
            complaint.hint(match option.contains("auto.commit") {
                true => format!("{option_goes}; --guarantee says when a record is committed"),
                false => option_goes,
            })
        }
        BuildError::Settings(SettingsError::DrainTooLong { .. }) => complaint.hint(
            "the drain deadline is --timeout, at most 30 s: lower it, or raise \
             -X max.poll.interval.ms",
        ),
        _ => complaint.hint("look at -X and --config"),
    }
}

/// What ended a run.
pub(super) fn of_run(error: &RunError, group: &str, cluster: &Cluster) -> Complaint {
    let not_permitted =
        || refusal(RDKafkaErrorCode::GroupAuthorizationFailed, &Action::Join { group }, cluster);
    match error {
        RunError::Start(error) => of_start(error, group, cluster),
        RunError::Unauthorized { .. } => not_permitted(),
        RunError::NoStart { partition, problem, .. } => {
            no_start(&format!("{partition}: {}", start_problem(problem)), group, &partition.topic)
        }
        RunError::Unreadable { .. } => Complaint::cluster(error.to_string()).hint(format!(
            "`surefoot topics describe` shows the log; group {group:?} keeps its place"
        )),
        RunError::InstanceFenced { .. } => Complaint::cluster(error.to_string())
            .hint("check -X group.instance.id; no two members may share one"),
        RunError::DrainTimedOut { .. } => Complaint::partial(error.to_string()).hint(
            "what was written and not committed may come again; --timeout, at most 30 s, waits \
             longer",
        ),
        RunError::NotLeft { .. } => Complaint::cluster(error.to_string())
            .hint("everything that was written is committed; the group goes on by itself"),
        RunError::Aborted { .. } => Complaint::interrupted(error.to_string()),
        _ => Complaint::cluster(error.to_string()).hint("-v shows what led to it"),
    }
}

fn of_start(error: &StartError, group: &str, cluster: &Cluster) -> Complaint {
    match error {
        StartError::UnknownTopic { topic } => {
            refusal(RDKafkaErrorCode::UnknownTopicOrPartition, &Action::Read { topic }, cluster)
        }
        StartError::TopicUnauthorized { topic, .. } => {
            refusal(RDKafkaErrorCode::TopicAuthorizationFailed, &Action::Read { topic }, cluster)
        }
        StartError::GroupUnauthorized { .. } => {
            refusal(RDKafkaErrorCode::GroupAuthorizationFailed, &Action::Join { group }, cluster)
        }
        StartError::Options { .. } => {
            Complaint::refused(error.to_string()).hint("look at -X and --config")
        }
        StartError::Authentication { .. } => Complaint::cluster(error.to_string())
            .hint("check sasl.username and sasl.password (-X or --config)"),
        _ => Complaint::cluster(error.to_string()).hint("--timeout waits longer"),
    }
}

fn no_start(message: &str, group: &str, topic: &str) -> Complaint {
    Complaint::cluster(message).hint(format!(
        "choose where the group goes on: kafka-consumer-groups --group {group} --topic {topic} \
         --reset-offsets"
    ))
}

fn start_problem(problem: &StartProblem) -> String {
    match problem {
        StartProblem::NoCommittedOffset => "the group has no committed offset".to_owned(),
        StartProblem::Vanished { known } => format!(
            "the group had committed {known} and has no committed offset any more: it was deleted \
             or expired"
        ),
        StartProblem::BelowLogStart { committed, log_start } => format!(
            "retention deleted what was not read: the group committed {committed}, the log begins \
             at {log_start}"
        ),
        StartProblem::AboveLogEnd { committed, log_end } => format!(
            "the log ends at {log_end}, before the {committed} that the group committed: it was \
             cut or made anew"
        ),
        StartProblem::Recreated => {
            "the topic was deleted and created again, and its offsets mean other records now"
                .to_owned()
        }
    }
}
