//! Which documents the repository has.
//!
//! Notes written while working age at once and contradict the documents that are kept. So there
//! is a fixed place for everything: a few names at the root, and `docs` for the rest.

use crate::complaint::Complaint;
use crate::tree::TextFile;

const AT_THE_ROOT: [&str; 5] =
    ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];
// In a name under docs: what a passing task leaves behind.
const RESIDUE_WORDS: [&str; 8] =
    ["summary", "notes", "implementation", "plan", "progress", "report", "status", "tasks"];
const LEFT_BY_TOOLS: [&str; 4] = ["orig", "rej", "bak", "tmp"];

/// Documents that restate, report or remind, and what merges and editors leave.
pub(crate) fn residue(file: &TextFile) -> Vec<Complaint> {
    if LEFT_BY_TOOLS.iter().any(|extension| file.has_extension(extension)) {
        let message = "left behind by a tool: delete it";
        return vec![Complaint::new(&file.path, 1, message)];
    }
    if !file.has_extension("md") || is_kept(file) {
        return Vec::new();
    }
    let message = "no document of this repository: move what stays true to README, ARCHITECTURE, \
                   CONTRIBUTING, docs/ or a file header, and delete it";
    vec![Complaint::new(&file.path, 1, message)]
}

fn is_kept(file: &TextFile) -> bool {
    let directory = file.directory();
    if directory.is_empty() {
        return AT_THE_ROOT.contains(&file.name());
    }
    let name = file.name().to_lowercase();
    let is_residue = RESIDUE_WORDS.iter().any(|word| name.contains(word));
    (directory == "docs" || directory.starts_with("docs/")) && name != "readme.md" && !is_residue
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::assert_lines;

    #[test]
    fn documents_in_their_place_are_kept() {
        for path in ["README.md", "docs/delivery.md", "docs/guide/start.md", "src/a.rs"] {
            check(path, &[]);
        }
    }

    #[test]
    fn what_a_task_leaves_behind_is_found() {
        for path in [
            "SUMMARY.md",
            "NOTES.md",
            "docs/IMPLEMENTATION_NOTES.md",
            "docs/plan.md",
            "docs/README.md",
            "crates/surefoot/README.md",
            "xtask/guide.md",
            "src/a.rs.orig",
        ] {
            check(path, &[1]);
        }
    }

    #[track_caller]
    fn check(path: &str, lines: &[usize]) {
        assert_lines(&residue(&TextFile { path: path.to_owned(), text: String::new() }), lines);
    }
}
