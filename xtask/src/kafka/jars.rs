//! Gets the jars of an Apache Kafka release, once per machine.
//!
//! The release archive holds 130 MB of which a test needs half, and mirrors drop old releases;
//! Maven Central keeps every jar. Of the log backends among them exactly one may stay.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::version::KafkaVersion;
use crate::cache;

const MAVEN_REMEDY: &str = "install maven (debian and ubuntu: `apt-get install maven`); it fetches \
    the jars of apache kafka once";

// Two backends on one class path make slf4j pick one at random; slf4j-simple writes to stderr.
const OTHER_LOG_BACKENDS: [&str; 3] = ["slf4j-reload4j", "log4j-slf4j", "logback"];

/// The jars of one release, complete on this machine.
#[derive(Clone, Debug)]
pub struct Jars {
    directory: PathBuf,
}

impl Jars {
    /// Takes the jars of `version` from the cache, or fetches them with Maven.
    ///
    /// # Errors
    ///
    /// When Maven is missing, has no network, or knows no such release.
    pub fn of(version: &KafkaVersion) -> Result<Self> {
        let directory = cache::directory()?.join("kafka").join(version.as_str()).join("libs");
        cache::once(&directory, |part| fetch(version, part))?;
        Ok(Self { directory })
    }

    /// The class path, for `java -cp`: also to run a Java client against the same release.
    pub fn class_path(&self) -> String {
        format!("{}/*", self.directory.display())
    }
}

/// Fills the directory `libs`.
fn fetch(version: &KafkaVersion, libs: &Path) -> Result<()> {
    eprintln!("fetching apache kafka {version} with maven (about 55 MB)");
    let home = libs.parent().expect("the jars lie in a release's directory");
    fs::write(home.join("pom.xml"), pom(version))?;
    let output = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "dependency:copy-dependencies"])
        .arg(format!("-DoutputDirectory={}", libs.display()))
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`mvn` does not start: {MAVEN_REMEDY}"))?;
    if !output.status.success() {
        let report = String::from_utf8_lossy(&output.stdout);
        let cause = report.lines().find(|line| line.contains("ERROR")).unwrap_or("no reason given");
        bail!("maven could not fetch apache kafka {version}: {cause}");
    }
    for entry in fs::read_dir(libs).context("maven copied no jars")? {
        let jar = entry?;
        let name = jar.file_name();
        let name = name.to_string_lossy();
        if OTHER_LOG_BACKENDS.iter().any(|prefix| name.starts_with(prefix)) {
            fs::remove_file(jar.path())?;
        }
    }
    Ok(())
}

fn pom(version: &KafkaVersion) -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>\n"
        )
    };
    [
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\n\
         <groupId>local</groupId><artifactId>apache-kafka</artifactId><version>1</version>\n\
         <packaging>pom</packaging><dependencies>\n",
        &dependency("org.apache.kafka", "kafka_2.13", version.as_str()),
        &dependency("org.apache.kafka", "kafka-tools", version.as_str()),
        // The slf4j line that Kafka itself is built against.
        &dependency("org.slf4j", "slf4j-simple", "1.7.36"),
        "</dependencies></project>\n",
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pom_asks_for_the_chosen_release() {
        let pom = pom(&"3.9.1".parse().unwrap());
        assert_eq!(pom.matches("<version>3.9.1</version>").count(), 2);
        assert_eq!(pom.matches("<dependency>").count(), 3);
        assert!(pom.trim_end().ends_with("</project>"));
    }
}
