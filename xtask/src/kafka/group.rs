//! A consumer group as Apache Kafka's own tool describes it.
//!
//! The tool prints columns for people; their order is by heading, and a `-` stands for nothing. It
//! is the outside view that users compare with, so it is read as it is printed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::cluster::Cluster;

/// What `kafka-consumer-groups --describe` says of a group and a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// By partition.
    pub partitions: BTreeMap<i32, GroupPartition>,
}

/// One line of the description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPartition {
    /// What is committed.
    pub committed: Option<i64>,
    /// The end of the log.
    pub end: i64,
    /// What is between.
    pub lag: Option<i64>,
    /// Which member has it.
    pub member: Option<String>,
}

impl Cluster {
    /// Describes `group` as far as `topic` is concerned.
    pub fn describe_group(&self, group: &str, topic: &str) -> Result<Group> {
        let output = self.tool("kafka-consumer-groups", &["--describe", "--group", group])?;
        if !output.status.success() {
            bail!("group {group}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Group::read(&String::from_utf8_lossy(&output.stdout), topic)
    }
}

impl Group {
    /// Whether every partition's lag is zero.
    pub fn has_caught_up(&self) -> bool {
        self.partitions.values().all(|it| it.lag == Some(0))
    }

    /// Whether no partition belongs to a member.
    pub fn is_empty(&self) -> bool {
        self.partitions.values().all(|it| it.member.is_none())
    }

    fn read(description: &str, topic: &str) -> Result<Self> {
        let mut lines = description.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let headings = lines
            .find(|line| line.contains(&"CURRENT-OFFSET"))
            .with_context(|| format!("the group's description has no table: {description}"))?;
        let column = |name: &str| {
            let found = headings.iter().position(|&heading| heading == name);
            found.with_context(|| format!("the group's description has no column {name}"))
        };
        let (of_topic, of_partition) = (column("TOPIC")?, column("PARTITION")?);
        let (committed, end) = (column("CURRENT-OFFSET")?, column("LOG-END-OFFSET")?);
        let (lag, member) = (column("LAG")?, column("CONSUMER-ID")?);
        let mut partitions = BTreeMap::new();
        for line in lines.filter(|line| line.get(of_topic) == Some(&topic)) {
            let cell = |index: usize| match line.get(index) {
                None | Some(&"-") => None,
                Some(&cell) => Some(cell),
            };
            let number = |index: usize| cell(index).map(str::parse::<i64>).transpose();
            let partition = cell(of_partition).context("a line names no partition")?.parse()?;
            let described = GroupPartition {
                committed: number(committed)?,
                end: number(end)?.context("a partition has no end")?,
                lag: number(lag)?,
                member: cell(member).map(str::to_owned),
            };
            partitions.insert(partition, described);
        }
        Ok(Self { partitions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = "
GROUP  TOPIC  PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG  CONSUMER-ID  HOST        CLIENT-ID
g      t      0          780             780             0    a-1          /127.0.0.1  a
g      t      1          -               1200            -    -            -           -
g      other  0          1               2               1    -            -           -
";

    #[test]
    fn lines_of_the_topic_are_read() {
        let group = Group::read(DESCRIPTION, "t").unwrap();
        assert_eq!(group.partitions.len(), 2);
        let first = &group.partitions[&0];
        assert_eq!((first.committed, first.end, first.lag), (Some(780), 780, Some(0)));
        assert_eq!(first.member.as_deref(), Some("a-1"));
        let second = &group.partitions[&1];
        assert_eq!((second.committed, second.end, second.lag), (None, 1200, None));
        assert!(!group.has_caught_up());
        assert!(!group.is_empty());
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert!(Group::read("Consumer group 'g' does not exist.", "t").is_err());
    }
}
