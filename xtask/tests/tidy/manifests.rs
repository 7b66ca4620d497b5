//! Dependencies are chosen once, at the root, each with a reason.
//!
//! A version written in two manifests drifts apart; a dependency without a sentence is one that
//! nobody can decide to drop. The manifests are read line by line, since the sentence is a comment
//! and parsers throw comments away; a form that this cannot read is a complaint, not a gap.

use crate::complaint::Complaint;
use crate::tree::TextFile;

/// Dependencies outside the workspace's table, and entries of the table without a reason.
pub(crate) fn dependencies(file: &TextFile) -> Vec<Complaint> {
    if file.name() != "Cargo.toml" {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    let mut table = Table::Other;
    let mut above = "";
    for (number, line) in file.lines() {
        if line.starts_with('[') {
            table = Table::headed(line);
        }
        if let Some(message) = table.judge(line, above) {
            complaints.push(Complaint::new(&file.path, number, message));
        }
        above = line;
    }
    complaints
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    /// `[workspace.dependencies]`.
    Workspace,
    /// The dependencies of a package, of any kind.
    Package,
    /// `[dependencies.name]`: a table for one dependency.
    OfOne,
    Other,
}

impl Table {
    fn headed(line: &str) -> Self {
        let header = line.trim_matches(['[', ']', ' ']);
        let kind = header.rsplit('.').next().unwrap_or_default();
        let is_dependencies = |it: &str| it == "dependencies" || it.ends_with("-dependencies");
        match header {
            "workspace.dependencies" => Self::Workspace,
            _ if is_dependencies(kind) => Self::Package,
            _ if header.split('.').any(is_dependencies) => Self::OfOne,
            _ => Self::Other,
        }
    }

    fn judge(self, line: &str, above: &str) -> Option<String> {
        if self == Self::OfOne && line.starts_with('[') {
            return Some(format!("`{line}`: write the dependency on one line of its table"));
        }
        let (key, value) = line.split_once('=')?;
        let begins_entry = line.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins_entry {
            return None;
        }
        let key = key.trim();
        let name = key.split('.').next().unwrap_or(key);
        match self {
            Self::Package => {
                let inherits = key.ends_with(".workspace") || value.contains("workspace = true");
                (!inherits).then(|| {
                    format!("`{name}` is chosen here: put it into the root's table and inherit it")
                })
            }
            Self::Workspace => {
                let is_ours = value.contains("path =");
                let is_explained = above.starts_with("# ") && above.len() > "# ".len();
                (!is_ours && !is_explained).then(|| {
                    format!("`{name}` has no reason: say in a comment above what it does for us")
                })
            }
            Self::OfOne | Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::assert_lines;

    #[test]
    fn a_package_inherits_its_dependencies() {
        check("[dependencies]\na.workspace = true\nb = { workspace = true, features = [] }\n", &[]);
        check("[dependencies]\na = \"1\"\n", &[2]);
        check("[dev-dependencies]\na = { version = \"1\" }\n", &[2]);
        check("[target.'cfg(unix)'.dependencies]\na = { git = \"b\" }\n", &[2]);
        check("[dependencies.a]\nversion = \"1\"\n", &[1]);
        check("[features]\na = []\n[package]\nname = \"b\"\n", &[]);
    }

    #[test]
    fn the_workspace_says_why() {
        check("[workspace.dependencies]\n# Parses.\na = \"1\"\n", &[]);
        check("[workspace.dependencies]\na = \"1\"\n", &[2]);
        check("[workspace.dependencies]\n# Parses.\na = \"1\"\nb = \"1\"\n", &[4]);
        check("[workspace.dependencies]\nours = { path = \"ours\" }\n", &[]);
    }

    #[test]
    fn only_manifests_are_read() {
        let text = "[dependencies]\na = \"1\"\n".to_owned();
        assert_lines(&dependencies(&TextFile { path: "a/b.toml".to_owned(), text }), &[]);
    }

    #[track_caller]
    fn check(text: &str, lines: &[usize]) {
        let file = TextFile { path: "a/Cargo.toml".to_owned(), text: text.to_owned() };
        assert_lines(&dependencies(&file), lines);
    }
}
