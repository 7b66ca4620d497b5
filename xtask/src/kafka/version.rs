//! Which release of Apache Kafka runs.
//!
//! The release decides where its tools live, and it becomes a directory of the cache and a Maven
//! coordinate: so it is parsed once, and nothing but digits and dots gets that far.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// A release of Apache Kafka, such as `4.3.1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KafkaVersion(String);

impl KafkaVersion {
    /// Whether this is a 3.x release, which keeps some tools in other classes.
    pub(crate) fn is_3(&self) -> bool {
        self.0.starts_with("3.")
    }

    /// The release as Maven spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for KafkaVersion {
    /// 4.3.1: of the releases whose jars are all on Maven Central, the newest.
    fn default() -> Self {
        Self("4.3.1".to_owned())
    }
}

impl FromStr for KafkaVersion {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers: Vec<&str> = text.split('.').collect();
        let numeric = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if numbers.len() != 3 || !numbers.iter().all(numeric) {
            bail!("`{text}` is no release of apache kafka: write it as 4.3.1");
        }
        match numbers[0].parse::<u32>() {
            Ok(major) if major >= 3 => Ok(Self(text.to_owned())),
            _ => bail!("apache kafka {text} needs zookeeper: use 3.9.1 or later"),
        }
    }
}

impl TryFrom<String> for KafkaVersion {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<KafkaVersion> for String {
    fn from(version: KafkaVersion) -> Self {
        version.0
    }
}

impl fmt::Display for KafkaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_told_apart() {
        let old: KafkaVersion = "3.9.1".parse().unwrap();
        assert!(old.is_3());
        assert!(!KafkaVersion::default().is_3());
    }

    #[test]
    fn what_is_no_release_is_refused() {
        for text in ["", "4", "4.3", "4.3.x", "4..1", "../../x", "2.8.0", "4.3.1-rc0"] {
            assert!(text.parse::<KafkaVersion>().is_err(), "{text}");
        }
    }
}
