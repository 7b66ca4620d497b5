//! The copy of the source in which bugs are planted.
//!
//! It is a workspace of only what the simulation consists of, so that nothing else is compiled, and
//! it lives on between runs. Only files that differ are written, so that cargo builds anew only
//! what a patch touched. Little optimisation and incremental compilation: a plant takes longer to
//! compile than to catch.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::patch::Patch;
use super::simulation::Simulation;

/// What the simulation consists of.
const CRATES: [&str; 3] = ["surefoot-check", "surefoot-core", "surefoot-sim"];

const PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "true"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "none"),
];

/// The copy. While it is open, no other run can open it.
#[derive(Debug)]
pub(super) struct Workshop {
    directory: PathBuf,
    _lock: File,
}

impl Workshop {
    /// Takes the copy; waits while another run has it.
    pub(super) fn open() -> Result<Self> {
        let directory = crate::workspace().join("target/plants");
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let lock = File::create(directory.join("lock")).and_then(|lock| {
            lock.lock()?;
            Ok(lock)
        });
        let lock = lock.with_context(|| format!("cannot lock {}", directory.display()))?;
        Ok(Self { directory, _lock: lock })
    }

    fn tree(&self) -> PathBuf {
        self.directory.join("tree")
    }

    /// Makes the copy the same as the source.
    pub(super) fn restore(&self) -> Result<()> {
        let (source, tree) = (crate::workspace(), self.tree());
        let manifest = fs::read_to_string(source.join("Cargo.toml"))?;
        write_if_other(&tree.join("Cargo.toml"), reduced(&manifest)?.as_bytes())?;
        for name in CRATES {
            let of = Path::new("crates").join(name);
            mirror(&source.join(&of), &tree.join(&of))?;
        }
        // Cargo drops from it what the copy does not need.
        fs::copy(source.join("Cargo.lock"), tree.join("Cargo.lock"))
            .context("cannot copy Cargo.lock")?;
        Ok(())
    }

    /// Plants a bug.
    pub(super) fn apply(&self, patch: &Patch) -> Result<()> {
        let mut git = Command::new("git");
        // As part of the repository around it, git would pass over everything outside the source.
        git.arg("apply").arg(&patch.path).current_dir(self.tree());
        git.env("GIT_CEILING_DIRECTORIES", &self.directory);
        let output = git.output().context("git does not start")?;
        let reason = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!(
                "{} does not apply: renew it for the source of today ({})",
                patch.path.display(),
                reason.trim()
            );
        }
        Ok(())
    }

    /// Builds the simulation from the copy as it is.
    pub(super) fn build(&self) -> Result<Simulation> {
        let target = self.directory.join("target");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["build", "--release", "--quiet", "--package", "surefoot-sim"])
            .current_dir(self.tree())
            .env("CARGO_TARGET_DIR", &target)
            .envs(PROFILE);
        let output = cargo.output().context("cargo does not start")?;
        if !output.status.success() {
            bail!("cargo: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let program = format!("release/surefoot-sim{}", env::consts::EXE_SUFFIX);
        Ok(Simulation { program: target.join(program) })
    }
}

/// The workspace's manifest with only the members that are copied.
fn reduced(manifest: &str) -> Result<String> {
    let members = CRATES.map(|name| format!("\"crates/{name}\""));
    let line = format!("members = [{}]", members.join(", "));
    let found = manifest.lines().find(|line| line.starts_with("members = ["));
    let found = found.context("the workspace's Cargo.toml has no line of members")?;
    Ok(manifest.replace(found, &line))
}

/// Makes `to` the same as `from`, and leaves alone what is the same already.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let wanted = names_in(from)?;
    for name in names_in(to)?.difference(&wanted) {
        let path = to.join(name);
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    for name in wanted {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            mirror(&from, &to)?;
        } else {
            let content = fs::read(&from);
            let content = content.with_context(|| format!("cannot read {}", from.display()))?;
            write_if_other(&to, &content)?;
        }
    }
    Ok(())
}

fn names_in(directory: &Path) -> Result<BTreeSet<String>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn write_if_other(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_copy_loses_what_a_patch_changed_and_added() {
        let scratch = TempDir::new().unwrap();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        write_if_other(&from.join("src/a.rs"), b"a").unwrap();
        write_if_other(&to.join("src/a.rs"), b"planted").unwrap();
        write_if_other(&to.join("src/b.rs"), b"planted").unwrap();
        mirror(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("src/a.rs")).unwrap(), b"a");
        assert!(!to.join("src/b.rs").exists());
    }

    #[test]
    fn what_is_the_same_is_not_written_again() {
        let scratch = TempDir::new().unwrap();
        let path = scratch.path().join("a.rs");
        write_if_other(&path, b"a").unwrap();
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        write_if_other(&path, b"a").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
    }

    #[test]
    fn only_the_members_of_the_manifest_are_other() {
        let manifest = "[workspace]\nmembers = [\"crates/*\", \"xtask\"]\n[profile.dev]\n";
        let reduced = reduced(manifest).unwrap();
        assert!(reduced.contains("members = [\"crates/surefoot-check\", "), "{reduced}");
        assert!(reduced.ends_with("]\n[profile.dev]\n"), "{reduced}");
    }
}
