//! Tidy: the house rules that a machine can judge, as a test.
//!
//! A rule that only reviewers know is broken within a month, so each one here is a small function
//! from a source to complaints, and each complaint says what to do instead. Sources are parsed,
//! not searched, where a word may also stand in a string or a comment. Next to each check stand
//! texts that break it: a check that cannot fail guards nothing.

mod complaint;
mod documents;
mod forbidden;
mod manifests;
mod modules;
mod rust_source;
mod shape;
mod text;
mod tree;

use std::path::Path;

use complaint::Complaint;
use rust_source::RustSource;
use tree::TextFile;

type TextCheck = fn(&TextFile) -> Vec<Complaint>;
type RustCheck = fn(&RustSource) -> Vec<Complaint>;
type TreeCheck = fn(&[TextFile], &[RustSource]) -> Vec<Complaint>;

const TEXT_CHECKS: [TextCheck; 6] = [
    text::reminders,
    text::machine_paths,
    text::trailing_whitespace,
    text::missing_final_newline,
    documents::residue,
    manifests::dependencies,
];

const RUST_CHECKS: [RustCheck; 11] = [
    shape::header,
    shape::file_name,
    shape::file_length,
    shape::function_length,
    shape::line_length,
    forbidden::unwrap,
    forbidden::ignored_tests,
    forbidden::unsafe_code,
    forbidden::core_names,
    forbidden::core_random_maps,
    forbidden::core_features,
];

const TREE_CHECKS: [TreeCheck; 1] = [modules::dead_files];

#[test]
fn the_project_is_tidy() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = package.parent().expect("the package lies in the workspace");
    let files = tree::read(workspace).expect("the workspace can be read");
    let rust_files = files.iter().filter(|file| file.has_extension("rs"));
    let (sources, mut complaints) = rust_source::parse_all(rust_files);
    complaints.extend(files.iter().flat_map(|it| TEXT_CHECKS.iter().flat_map(|check| check(it))));
    complaints.extend(sources.iter().flat_map(|it| RUST_CHECKS.iter().flat_map(|check| check(it))));
    complaints.extend(TREE_CHECKS.iter().flat_map(|check| check(&files, &sources)));
    complaints.sort();
    let list: Vec<String> = complaints.iter().map(Complaint::to_string).collect();
    assert!(list.is_empty(), "{} complaints:\n{}\n", list.len(), list.join("\n"));
}

#[test]
fn the_whole_workspace_is_looked_at() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = package.parent().expect("the package lies in the workspace");
    let files = tree::read(workspace).expect("the workspace can be read");
    for path in ["Cargo.toml", "xtask/tests/tidy/main.rs", "crates/surefoot-core/src/lib.rs"] {
        assert!(files.iter().any(|file| file.path == path), "{path} is not looked at");
    }
    assert!(!files.iter().any(|file| file.path.starts_with("target/")));
}
