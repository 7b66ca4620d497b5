//! Gets the jars of an Apache Kafka release, once per machine.
//!
//! The release archive holds 130 MB of which a test needs half, and mirrors drop old releases;
//! Maven Central keeps every jar. Several test processes may want the same release at the same
//! moment: one fetches under a file lock and renames the finished directory into place, the
//! others wait, and nobody ever sees half a class path.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::version::KafkaVersion;

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
        let home = cache_directory()?.join(version.as_str());
        let directory = home.join("libs");
        if !directory.exists() {
            fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
            let lock = File::create(home.join("lock")).context("cannot lock the jar cache")?;
            lock.lock().context("cannot lock the jar cache")?;
            if !directory.exists() {
                fetch(version, &home, &directory)?;
            }
        }
        Ok(Self { directory })
    }

    /// The class path, for `java -cp`: also to run a Java client against the same release.
    pub fn class_path(&self) -> String {
        format!("{}/*", self.directory.display())
    }
}

/// Fetches into a directory beside `directory` and renames it when it is complete.
fn fetch(version: &KafkaVersion, home: &Path, directory: &Path) -> Result<()> {
    eprintln!("fetching apache kafka {version} with maven (about 55 MB)");
    fs::write(home.join("pom.xml"), pom(version))?;
    let part = home.join("libs.part");
    if part.exists() {
        fs::remove_dir_all(&part).context("cannot remove a fetch that was interrupted")?;
    }
    let output = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "dependency:copy-dependencies"])
        .arg(format!("-DoutputDirectory={}", part.display()))
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`mvn` does not start: {MAVEN_REMEDY}"))?;
    if !output.status.success() {
        let report = String::from_utf8_lossy(&output.stdout);
        let cause = report.lines().find(|line| line.contains("ERROR")).unwrap_or("no reason given");
        bail!("maven could not fetch apache kafka {version}: {cause}");
    }
    for entry in fs::read_dir(&part).context("maven copied no jars")? {
        let jar = entry?;
        let name = jar.file_name();
        let name = name.to_string_lossy();
        if OTHER_LOG_BACKENDS.iter().any(|prefix| name.starts_with(prefix)) {
            fs::remove_file(jar.path())?;
        }
    }
    fs::rename(&part, directory).context("cannot put the fetched jars into place")
}

/// `$XDG_CACHE_HOME/surefoot/kafka`, or the same under `~/.cache`.
fn cache_directory() -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) if !cache.is_empty() => PathBuf::from(cache),
        _ => env::home_dir()
            .context("no home directory to cache jars in: set HOME or XDG_CACHE_HOME")?
            .join(".cache"),
    };
    Ok(cache.join("surefoot/kafka"))
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
