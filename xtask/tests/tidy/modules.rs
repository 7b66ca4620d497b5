//! Files that no `mod` leads to: the compiler never sees them, and readers believe them.
//!
//! Every file is reached from a root that Cargo builds: `lib.rs`, `main.rs`, what lies in `bin`,
//! `tests`, `examples` and `benches`, `build.rs`, and paths written in a manifest. From there the
//! declarations are followed as the compiler follows them.

use std::collections::{BTreeMap, BTreeSet};

use crate::complaint::Complaint;
use crate::rust_source::RustSource;
use crate::tree::TextFile;

// Directories of which each file, and each directory with a main.rs, is a root.
const TARGET_DIRECTORIES: [&str; 4] = ["src/bin", "tests", "examples", "benches"];

/// Rust files that are part of no build.
pub(crate) fn dead_files(files: &[TextFile], sources: &[RustSource]) -> Vec<Complaint> {
    let by_path: BTreeMap<&str, &RustSource> = sources.iter().map(|it| (it.path(), it)).collect();
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> = files.iter().flat_map(|it| roots(it, &by_path)).collect();
    let all_roots: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(path) = open.pop() {
        let Some(source) = by_path.get(path.as_str()) else {
            continue;
        };
        if reached.insert(path.clone()) {
            let (directory, inside) = places(&source.file, all_roots.contains(&path));
            declared(&source.syntax.items, directory, &inside, &mut open);
        }
    }
    let dead = sources.iter().filter(|source| !reached.contains(source.path()));
    let message = "no `mod` leads to this file: declare it, or delete it";
    dead.map(|source| Complaint::new(source.path(), 1, message)).collect()
}

/// The roots of the package whose manifest `file` is.
fn roots(file: &TextFile, sources: &BTreeMap<&str, &RustSource>) -> Vec<String> {
    if file.name() != "Cargo.toml" {
        return Vec::new();
    }
    let package = match file.directory() {
        "" => String::new(),
        directory => format!("{directory}/"),
    };
    let mut roots: Vec<String> =
        ["src/lib.rs", "src/main.rs", "build.rs"].map(|it| format!("{package}{it}")).into();
    let written = file.text.lines().filter_map(|line| line.split_once("path = \""));
    roots.extend(written.filter_map(|(_, rest)| {
        let path = rest.split('"').next()?;
        path.ends_with(".rs").then(|| format!("{package}{path}"))
    }));
    for directory in TARGET_DIRECTORIES {
        let prefix = format!("{package}{directory}/");
        let below = sources.keys().filter_map(|path| Some((path, path.strip_prefix(&prefix)?)));
        roots.extend(below.filter_map(|(path, rest)| {
            let is_root = match rest.split_once('/') {
                None => true,
                Some((_, rest)) => rest == "main.rs",
            };
            is_root.then(|| (*path).to_owned())
        }));
    }
    roots
}

/// Where a file lies, and where the modules that it declares do.
fn places(file: &TextFile, is_root: bool) -> (&str, String) {
    let directory = file.directory();
    let inside = match is_root || file.name() == "mod.rs" {
        true => directory.to_owned(),
        false => format!("{directory}/{}", file.name().trim_end_matches(".rs")),
    };
    (directory, inside)
}

/// Adds the paths that the `mod` items may mean; those that do not exist lead nowhere.
fn declared(items: &[syn::Item], directory: &str, inside: &str, paths: &mut Vec<String>) {
    for item in items {
        let syn::Item::Mod(module) = item else {
            continue;
        };
        let name = module.ident.to_string();
        let name = name.trim_start_matches("r#");
        if let Some((_, items)) = &module.content {
            declared(items, directory, &format!("{inside}/{name}"), paths);
        } else if let Some(path) = path_attribute(module) {
            paths.push(format!("{directory}/{path}"));
        } else {
            paths.push(format!("{inside}/{name}.rs"));
            paths.push(format!("{inside}/{name}/mod.rs"));
        }
    }
}

fn path_attribute(module: &syn::ItemMod) -> Option<String> {
    module.attrs.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(it) if it.path.is_ident("path") => match &it.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rust_source::planted;

    #[test]
    fn declared_files_are_reached() {
        check(
            "",
            &[
                ("a/src/lib.rs", "mod b;\nmod inline { mod c; }\n#[path = \"odd.rs\"]\nmod d;\n"),
                ("a/src/b.rs", "mod below;\n"),
                ("a/src/b/below.rs", ""),
                ("a/src/inline/c.rs", ""),
                ("a/src/odd.rs", ""),
            ],
            &[],
        );
    }

    #[test]
    fn what_cargo_builds_is_a_root() {
        check(
            "[[bin]]\npath = \"odd/start.rs\"\n",
            &[
                ("a/src/main.rs", ""),
                ("a/src/bin/b.rs", "mod c;\n"),
                ("a/src/bin/c.rs", ""),
                ("a/tests/d.rs", ""),
                ("a/tests/e/main.rs", "mod f;\n"),
                ("a/tests/e/f.rs", ""),
                ("a/odd/start.rs", ""),
            ],
            &[],
        );
    }

    #[test]
    fn what_nothing_leads_to_is_dead() {
        check(
            "",
            &[
                ("a/src/lib.rs", "// mod b;\n"),
                ("a/src/b.rs", "mod c;\n"),
                ("a/src/b/c.rs", ""),
                ("a/tests/d/e.rs", ""),
                ("elsewhere/f.rs", ""),
            ],
            &["a/src/b.rs", "a/src/b/c.rs", "a/tests/d/e.rs", "elsewhere/f.rs"],
        );
    }

    /// Judges package `a` with `manifest` and `files`.
    #[track_caller]
    fn check(manifest: &str, files: &[(&str, &str)], dead: &[&str]) {
        let manifest = TextFile { path: "a/Cargo.toml".to_owned(), text: manifest.to_owned() };
        let sources: Vec<_> = files.iter().map(|(path, text)| planted(path, text)).collect();
        let message = "no `mod` leads to this file: declare it, or delete it";
        let expected: Vec<_> = dead.iter().map(|path| Complaint::new(path, 1, message)).collect();
        assert_eq!(dead_files(&[manifest], &sources), expected);
    }
}
