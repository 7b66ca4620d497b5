//! Every text file of the workspace, read once.
//!
//! Checks see what a reader of the repository sees: not what a build leaves behind, nor what is
//! hidden, except the hidden directories that belong to the project. Files that git does not know
//! yet are seen too, since they are about to be committed.

use std::fs;
use std::io;
use std::path::Path;

const BUILD_DIRECTORY: &str = "target";
const HIDDEN_AND_OURS: [&str; 3] = [".cargo", ".ci", ".github"];

/// A file, its path from the workspace's root with `/` between names.
#[derive(Clone, Debug)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The path of the directory; empty for the root.
    pub(crate) fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(directory, _)| directory)
    }

    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.name().rsplit_once('.').is_some_and(|(_, it)| it == extension)
    }

    /// Lines with their numbers from 1, without line ends.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)))
    }
}

/// Reads the text files under `root`, in the order of their paths.
pub(crate) fn read(root: &Path) -> io::Result<Vec<TextFile>> {
    let mut files = Vec::new();
    read_directory(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn read_directory(directory: &Path, prefix: &str, files: &mut Vec<TextFile>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        let path = format!("{prefix}{name}");
        if kind.is_dir() && is_ours(&name) {
            read_directory(&entry.path(), &format!("{path}/"), files)?;
        }
        if kind.is_file()
            // Not text, or gone since the directory was read.
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.push(TextFile { path, text });
        }
    }
    Ok(())
}

fn is_ours(directory: &str) -> bool {
    match directory.starts_with('.') {
        true => HIDDEN_AND_OURS.contains(&directory),
        false => directory != BUILD_DIRECTORY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_leaves_and_what_is_hidden_is_not_read() {
        assert!(is_ours("crates"));
        assert!(is_ours(".cargo"));
        assert!(!is_ours(".git"));
        assert!(!is_ours("target"));
    }

    #[test]
    fn a_path_is_taken_apart() {
        let file = TextFile { path: "a/b/c.d.rs".to_owned(), text: "x\r\ny\n".to_owned() };
        assert_eq!((file.directory(), file.name()), ("a/b", "c.d.rs"));
        assert!(file.has_extension("rs"));
        assert_eq!(file.lines().collect::<Vec<_>>(), [(1, "x"), (2, "y"), (3, "")]);
    }
}
