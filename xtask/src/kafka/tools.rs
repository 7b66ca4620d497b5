//! Kafka's own command-line tools, by the names of its scripts.
//!
//! Maven Central has the classes and not the scripts. Which class a script runs changed between
//! 3.x and 4.x for some, so the release decides; and each tool but a few wants to be told where
//! the cluster is, which the harness knows.

use anyhow::{Result, bail};

use super::version::KafkaVersion;

/// How one tool is run.
#[derive(Debug)]
pub(crate) struct Tool {
    name: &'static str,
    class: &'static str,
    // Where 3.x keeps it, if elsewhere.
    class_3: Option<&'static str>,
    bootstrap_flag: Option<&'static str>,
}

impl Tool {
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        match TOOLS.iter().find(|tool| tool.name == name) {
            Some(tool) => Ok(tool),
            None => {
                let names: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
                bail!("no kafka tool `{name}`: take one of {}", names.join(", "))
            }
        }
    }

    pub(crate) fn class(&self, version: &KafkaVersion) -> &'static str {
        match self.class_3 {
            Some(class) if version.is_3() => class,
            _ => self.class,
        }
    }

    /// The arguments that lead `arguments`: where the cluster is, unless they say it themselves.
    pub(crate) fn leading(&self, arguments: &[String], bootstrap: &str) -> Vec<String> {
        let said = |flag: &str| {
            arguments.iter().any(|it| it == flag || it.starts_with(&format!("{flag}=")))
        };
        match self.bootstrap_flag {
            Some(flag) if !said(flag) => vec![flag.to_owned(), bootstrap.to_owned()],
            _ => Vec::new(),
        }
    }
}

const fn tool(name: &'static str, class: &'static str) -> Tool {
    Tool { name, class, class_3: None, bootstrap_flag: Some("--bootstrap-server") }
}

const fn moved(name: &'static str, class: &'static str, class_3: &'static str) -> Tool {
    Tool { class_3: Some(class_3), ..tool(name, class) }
}

const TOOLS: [Tool; 21] = [
    moved("kafka-acls", "org.apache.kafka.tools.AclCommand", "kafka.admin.AclCommand"),
    moved(
        "kafka-broker-api-versions",
        "org.apache.kafka.tools.BrokerApiVersionsCommand",
        "kafka.admin.BrokerApiVersionsCommand",
    ),
    tool("kafka-configs", "kafka.admin.ConfigCommand"),
    tool("kafka-console-consumer", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
    moved(
        "kafka-console-producer",
        "org.apache.kafka.tools.ConsoleProducer",
        "kafka.tools.ConsoleProducer",
    ),
    tool("kafka-consumer-groups", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"),
    tool("kafka-consumer-perf-test", "org.apache.kafka.tools.ConsumerPerformance"),
    tool("kafka-delete-records", "org.apache.kafka.tools.DeleteRecordsCommand"),
    Tool {
        bootstrap_flag: None,
        ..moved(
            "kafka-dump-log",
            "org.apache.kafka.tools.DumpLogSegments",
            "kafka.tools.DumpLogSegments",
        )
    },
    tool("kafka-features", "org.apache.kafka.tools.FeatureCommand"),
    tool("kafka-get-offsets", "org.apache.kafka.tools.GetOffsetShell"),
    tool("kafka-groups", "org.apache.kafka.tools.GroupsCommand"),
    tool("kafka-leader-election", "org.apache.kafka.tools.LeaderElectionCommand"),
    tool("kafka-metadata-quorum", "org.apache.kafka.tools.MetadataQuorumCommand"),
    // Its server is one of its --producer-props.
    Tool {
        bootstrap_flag: None,
        ..tool("kafka-producer-perf-test", "org.apache.kafka.tools.ProducerPerformance")
    },
    tool("kafka-reassign-partitions", "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"),
    tool("kafka-topics", "org.apache.kafka.tools.TopicCommand"),
    Tool {
        bootstrap_flag: Some("--broker-list"),
        ..tool("kafka-transactional-copier", "org.apache.kafka.tools.TransactionalMessageCopier")
    },
    tool("kafka-transactions", "org.apache.kafka.tools.TransactionsCommand"),
    tool("kafka-verifiable-consumer", "org.apache.kafka.tools.VerifiableConsumer"),
    tool("kafka-verifiable-producer", "org.apache.kafka.tools.VerifiableProducer"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_decides_the_class() {
        let acls = Tool::named("kafka-acls").unwrap();
        assert_eq!(acls.class(&KafkaVersion::default()), "org.apache.kafka.tools.AclCommand");
        assert_eq!(acls.class(&"3.9.1".parse().unwrap()), "kafka.admin.AclCommand");
    }

    #[test]
    fn the_cluster_is_named_unless_the_caller_did() {
        check("kafka-topics", &["--list"], &["--bootstrap-server", "here:1"]);
        check("kafka-topics", &["--bootstrap-server", "there:2"], &[]);
        check("kafka-topics", &["--bootstrap-server=there:2"], &[]);
        check("kafka-transactional-copier", &[], &["--broker-list", "here:1"]);
        check("kafka-dump-log", &[], &[]);
    }

    #[test]
    fn an_unknown_tool_gets_the_names_that_exist() {
        let error = Tool::named("kafka-topic").unwrap_err().to_string();
        assert!(error.starts_with("no kafka tool `kafka-topic`: take one of "), "{error}");
        assert!(error.contains("kafka-topics, "), "{error}");
    }

    #[track_caller]
    fn check(name: &str, arguments: &[&str], leading: &[&str]) {
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(Tool::named(name).unwrap().leading(&arguments, "here:1"), leading);
    }
}
