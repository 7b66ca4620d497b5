//! A planted bug: a patch with two lines in front that say what it breaks.
//!
//! `git apply` passes over whatever precedes the first `---`, so that a plant explains itself in
//! its own file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// One planted bug.
#[derive(Debug)]
pub(super) struct Patch {
    /// The file's name without its extension.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// What it does, in one line.
    pub(super) title: String,
    /// The rows of the fault catalogue and the predicates that it breaks.
    pub(super) breaks: String,
}

impl Patch {
    /// All patches of a directory, by name.
    pub(super) fn all(directory: &Path) -> Result<Vec<Self>> {
        let entries = fs::read_dir(directory)
            .with_context(|| format!("cannot read {}", directory.display()))?;
        let mut patches = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "patch") {
                patches.push(Self::read(path)?);
            }
        }
        patches.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(patches)
    }

    fn read(path: PathBuf) -> Result<Self> {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (title, breaks) = header(&text).with_context(|| {
            format!(
                "{} does not say what it plants: its first line must, and its second must name \
                 what \
                 that breaks: `Breaks: #1 P1`",
                path.display()
            )
        })?;
        let (title, breaks) = (title.to_owned(), breaks.to_owned());
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Ok(Self { name: name.context("a patch has a name")?, path, title, breaks })
    }
}

fn header(text: &str) -> Option<(&str, &str)> {
    let mut lines = text.lines();
    let title = lines.next().filter(|title| !title.is_empty() && !title.starts_with("---"))?;
    Some((title, lines.next()?.strip_prefix("Breaks: ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_in_front_say_what_is_planted() {
        let text = "The position is committed.\nBreaks: #1 P1\n\n--- a/x\n+++ b/x\n";
        assert_eq!(header(text), Some(("The position is committed.", "#1 P1")));
        assert_eq!(header("--- a/x\n+++ b/x\n"), None);
        assert_eq!(header("The position is committed.\n--- a/x\n"), None);
    }
}
