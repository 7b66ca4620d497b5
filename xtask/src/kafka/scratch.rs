//! A cluster that belongs to one test and dies with it.
//!
//! Dropping it kills the nodes. A test process that is itself killed drops nothing, and its nodes
//! would eat the machine run after run: so each scratch directory holds a lock that the kernel
//! releases with its owner, and whoever makes the next scratch cluster first removes those whose
//! owner is gone. The cluster of a test that failed is stopped and kept aside, for its logs.

use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::cluster::{Cluster, ClusterOptions};
use super::harness_directory;

const PREFIX: &str = "scratch-";

/// A cluster of one test; every function of [`Cluster`] is there.
#[derive(Debug)]
pub struct ScratchCluster {
    cluster: Cluster,
    directory: Option<TempDir>,
    // Held for the lock. Last, so that it ends after the directory is gone.
    _owner: File,
}

impl ScratchCluster {
    /// Starts a cluster in a directory of its own under `target/kafka`.
    ///
    /// # Errors
    ///
    /// As [`Cluster::up`].
    pub fn up(options: &ClusterOptions) -> Result<Self> {
        let place = harness_directory();
        let (directory, owner) = claim(&place)
            .with_context(|| format!("cannot make a scratch cluster in {}", place.display()))?;
        match Cluster::up(&directory.path().join("cluster"), options) {
            Ok(cluster) => Ok(Self { cluster, directory: Some(directory), _owner: owner }),
            Err(error) => {
                keep_aside(directory);
                Err(error)
            }
        }
    }
}

impl Deref for ScratchCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Drop for ScratchCluster {
    fn drop(&mut self) {
        let stopped = self.cluster.stop_all();
        if let Err(error) = stopped {
            eprintln!("a scratch cluster could not be stopped: {error:#}");
        }
        if thread::panicking()
            && let Some(directory) = self.directory.take()
        {
            keep_aside(directory);
        }
    }
}

/// Removes what dead owners left and makes a directory that is locked by this process.
fn claim(place: &Path) -> Result<(TempDir, File)> {
    fs::create_dir_all(place)?;
    // Without this, another process could take a directory for abandoned before it is locked.
    let all = File::create(place.join("scratch.lock"))?;
    all.lock()?;
    remove_abandoned(place)?;
    let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
    let owner = File::create(directory.path().join("owner.lock"))?;
    owner.lock()?;
    Ok((directory, owner))
}

fn remove_abandoned(place: &Path) -> Result<()> {
    for entry in fs::read_dir(place)? {
        let directory = entry?.path();
        let is_scratch = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(PREFIX);
        if !directory.is_dir() || !directory.file_name().is_some_and(is_scratch) {
            continue;
        }
        // Without the file, its owner was interrupted early or is removing the directory itself.
        let owner = File::open(directory.join("owner.lock"));
        if owner.is_ok_and(|it| matches!(it.try_lock(), Err(TryLockError::WouldBlock))) {
            continue;
        }
        if let Ok(cluster) = Cluster::open(&directory.join("cluster")) {
            cluster.stop_all()?;
        }
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Renames a scratch directory so that it is not removed, and says where it is.
fn keep_aside(directory: TempDir) {
    let from = directory.keep();
    let name = from.file_name().map(|name| name.to_string_lossy().replacen(PREFIX, "failed-", 1));
    let to: PathBuf = from.with_file_name(name.unwrap_or_else(|| "failed".to_owned()));
    match fs::rename(&from, &to) {
        Ok(()) => eprintln!("the cluster's logs are kept in {}", to.display()),
        Err(error) => eprintln!("the cluster's logs stay in {}: {error}", from.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_removed_when_its_owner_is_gone_and_not_before() {
        let place = TempDir::new().unwrap();
        let (directory, owner) = claim(place.path()).unwrap();
        let first = directory.keep();
        let (second, _second_owner) = claim(place.path()).unwrap();
        assert!(first.exists(), "its owner still holds the lock");
        drop(owner);
        let (_third, _third_owner) = claim(place.path()).unwrap();
        assert!(!first.exists());
        assert!(second.path().exists());
    }

    #[test]
    fn other_directories_are_left_alone() {
        let place = TempDir::new().unwrap();
        let other = place.path().join("cluster");
        fs::create_dir(&other).unwrap();
        claim(place.path()).unwrap();
        assert!(other.exists());
    }

    #[test]
    fn a_failed_cluster_is_kept_where_nobody_removes_it() {
        let place = TempDir::new().unwrap();
        let (directory, owner) = claim(place.path()).unwrap();
        let name = directory.path().file_name().unwrap().to_string_lossy().into_owned();
        keep_aside(directory);
        drop(owner);
        claim(place.path()).unwrap();
        assert!(place.path().join(name.replacen(PREFIX, "failed-", 1)).exists());
    }
}
