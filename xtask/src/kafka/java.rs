//! Finds a Java that can run Apache Kafka and builds its command lines.
//!
//! Kafka 4 does not start below Java 17, and an older `java` in front on the path dies with a
//! message about class file versions that names no remedy. So the version is asked for first.
//! `JAVA_HOME` wins over the path, as in Kafka's own scripts.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::jars::Jars;

// Kafka 4.0 brokers and tools are compiled for Java 17.
const OLDEST_JAVA: u32 = 17;

const REMEDY: &str = "install a java runtime of version 17 or later \
    (debian and ubuntu: `apt-get install openjdk-17-jre-headless`) or point JAVA_HOME at one";

/// A Java runtime that is new enough.
#[derive(Debug)]
pub(crate) struct Java {
    program: PathBuf,
}

/// What a JVM is started for: it decides heap, collector and compiler.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JvmPurpose {
    /// A broker that serves load for minutes.
    Broker,
    /// A tool that is gone after a second or two, most of it start-up.
    Tool,
}

impl Java {
    /// Finds the runtime that `JAVA_HOME` or the path names and checks its version.
    pub(crate) fn find() -> Result<Self> {
        let program = match env::var_os("JAVA_HOME") {
            Some(home) if !home.is_empty() => PathBuf::from(home).join("bin/java"),
            _ => PathBuf::from("java"),
        };
        let name = program.display();
        let output = Command::new(&program)
            .arg("-version")
            .output()
            .with_context(|| format!("`{name}` does not start: {REMEDY}"))?;
        let banner = String::from_utf8_lossy(&output.stderr);
        match major_version(&banner) {
            Some(major) if major >= OLDEST_JAVA => Ok(Self { program }),
            Some(major) => bail!("apache kafka does not run on java {major} (`{name}`): {REMEDY}"),
            None => bail!("`{name} -version` names no version: {REMEDY}"),
        }
    }

    /// A command that runs `class` of the release in `jars`.
    pub(crate) fn command(&self, jars: &Jars, purpose: JvmPurpose, class: &str) -> Command {
        let mut command = Command::new(&self.program);
        let (jvm, log_level): (&[&str], _) = match purpose {
            JvmPurpose::Broker => (&["-Xmx1g", "-XX:+UseG1GC"], "info"),
            // Only the first compiler: a tool ends before the second one pays.
            JvmPurpose::Tool => {
                (&["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"], "error")
            }
        };
        command
            .args(jvm)
            .arg(format!("-Dorg.slf4j.simpleLogger.defaultLogLevel={log_level}"))
            .arg("-Dorg.slf4j.simpleLogger.showDateTime=true")
            .arg("-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS")
            .args(["-cp", &jars.class_path(), class]);
        command
    }
}

/// The major version in what `java -version` prints: `version "17.0.15"`, `version "1.8.0_402"`.
fn major_version(banner: &str) -> Option<u32> {
    let quoted = banner.split('"').nth(1)?;
    let mut numbers = quoted.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match numbers.next()?.ok()? {
        // Before Java 9 the version began with 1.
        1 => numbers.next()?.ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_version_is_read_from_old_and_new_banners() {
        check("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK …", Some(17));
        check("openjdk version \"21\" 2023-09-19", Some(21));
        check("openjdk version \"24-ea\" 2025-03-18", Some(24));
        check("java version \"1.8.0_402\"", Some(8));
        check("command not found", None);
        check("", None);
    }

    #[track_caller]
    fn check(banner: &str, major: Option<u32>) {
        assert_eq!(major_version(banner), major);
    }
}
