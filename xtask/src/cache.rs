//! Where the harness keeps what it fetched, once per machine.
//!
//! Several test processes may want the same thing at the same moment, and a fetch that is killed
//! must not leave a half that looks whole: one process fetches beside the final place under a file
//! lock and renames when all is there, the others wait, and nobody ever sees a half.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The finished `place`, made by `fetch` if it is not there.
///
/// `fetch` fills the directory that it is given; the directory around it exists.
pub(crate) fn once(place: &Path, fetch: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if place.exists() {
        return Ok(());
    }
    let home = place.parent().context("a cached thing lies in a directory")?;
    fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    let lock = File::create(home.join("lock"));
    let lock = lock.with_context(|| format!("cannot lock {}", home.display()))?;
    lock.lock().with_context(|| format!("cannot lock {}", home.display()))?;
    if place.exists() {
        return Ok(());
    }
    let part = place.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part).with_context(|| format!("cannot clear {}", part.display()))?;
    }
    fs::create_dir(&part).with_context(|| format!("cannot make {}", part.display()))?;
    fetch(&part)?;
    fs::rename(&part, place).with_context(|| format!("cannot put {} in place", place.display()))
}

/// `$XDG_CACHE_HOME/surefoot`, or the same under `~/.cache`.
pub(crate) fn directory() -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) if !cache.is_empty() => PathBuf::from(cache),
        _ => env::home_dir()
            .context("no home directory to cache in: set HOME or XDG_CACHE_HOME")?
            .join(".cache"),
    };
    Ok(cache.join("surefoot"))
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_was_fetched_is_not_fetched_again() {
        let scratch = TempDir::new().unwrap();
        let place = scratch.path().join("a/thing");
        once(&place, |part| Ok(fs::write(part.join("file"), "1")?)).unwrap();
        once(&place, |_| bail!("fetched again")).unwrap();
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "1");
    }

    #[test]
    fn a_fetch_that_failed_leaves_nothing_that_looks_whole() {
        let scratch = TempDir::new().unwrap();
        let place = scratch.path().join("a/thing");
        let failing = |part: &Path| {
            fs::write(part.join("half"), "1")?;
            bail!("no network")
        };
        once(&place, failing).unwrap_err();
        assert!(!place.exists());
        once(&place, |part| Ok(fs::write(part.join("file"), "1")?)).unwrap();
        assert!(!place.join("half").exists());
    }
}
