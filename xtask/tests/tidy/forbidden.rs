//! Words that may not stand in code, everywhere or in the core.
//!
//! The core is replayed from a list of inputs, so nothing in it may know the time, the machine or
//! chance: one `Instant` and a seed stops giving the same run. The compiler cannot refuse the
//! standard library, so this does. Tokens are looked at, not text: a word in a comment or a string
//! harms nobody, and one inside a macro does.

use proc_macro2::{Delimiter, TokenTree};
use syn::visit::{self, Visit};

use crate::complaint::Complaint;
use crate::rust_source::{RustSource, identifier, is_sign};

const CORE: &str = "crates/surefoot-core/src/";

// What stands for what, in the core.
const CORE_NAMES: [(&str, &str); 13] = [
    ("Instant", "time comes in as an argument"),
    ("SystemTime", "time comes in as an argument"),
    ("tokio", "the driver in `surefoot` waits, the core decides"),
    ("thread", "one task owns the engine; the driver has the threads"),
    ("rand", "randomness comes in as a seed"),
    ("RandomState", "use BTreeMap, or a hasher without a seed of its own"),
    ("net", "the adapter in `surefoot` talks, the core decides"),
    ("fs", "stores in `surefoot` write, the core decides"),
    ("env", "settings come in with the configuration"),
    ("rdkafka", "the adapter in `surefoot` knows the client"),
    ("rdkafka_sys", "the adapter in `surefoot` knows the client"),
    ("sqlx", "stores in `surefoot` know the database"),
    ("serde", "wire formats belong to the edges, with structs of their own"),
];

/// `.unwrap()` outside tests.
pub(crate) fn unwrap(source: &RustSource) -> Vec<Complaint> {
    find(source, |tokens| {
        let calls = is_sign(tokens.first(), '.')
            && identifier(tokens.get(1)).is_some_and(|it| it == "unwrap")
            && is_parenthesis(tokens.get(2));
        calls.then(|| "unwrap outside tests: handle it, or expect(\"why it holds\")".to_owned())
    })
}

/// Tests and examples that do not run.
pub(crate) fn ignored_tests(source: &RustSource) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    source.for_each_token_and_test(|line, tokens| {
        if is_sign(tokens.first(), '#') && attribute_name(tokens).is_some_and(|it| it == "ignore") {
            let message = "a test that does not run: make it run, move it to `cargo xtask \
                           test-kafka`, or delete it";
            complaints.push(Complaint::new(source.path(), line, message));
        }
    });
    let fence = concat!("```", "ignore");
    let doctests = source.file.lines().filter(|(_, line)| line.contains(fence));
    complaints.extend(doctests.map(|(line, _)| {
        let message =
            "an example that is not compiled: use `no_run`, or `text` for what is no code";
        Complaint::new(source.path(), line, message)
    }));
    complaints
}

/// Unsafe code outside the one module that is reviewed for it, and the bare client that benchmarks
/// measure beside it.
pub(crate) fn unsafe_code(source: &RustSource) -> Vec<Complaint> {
    let mut parts = source.path().split('/');
    let mut homes = ["crates/surefoot/src/", "crates/surefoot-bench/src/"].into_iter();
    if homes.any(|home| source.path().starts_with(home))
        && parts.any(|part| part == "native" || part == "native.rs")
    {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    source.for_each_token_and_test(|line, tokens| {
        if identifier(tokens.first()).is_some_and(|it| it == "unsafe") {
            let message = "unsafe code: give the adapter's native module a safe function for it, \
                           or use a crate that has one";
            complaints.push(Complaint::new(source.path(), line, message));
        }
    });
    complaints
}

/// Time, chance, machine and clients in the core.
pub(crate) fn core_names(source: &RustSource) -> Vec<Complaint> {
    if !source.path().starts_with(CORE) {
        return Vec::new();
    }
    find(source, |tokens| {
        let name = identifier(tokens.first())?;
        let (name, instead) = CORE_NAMES.into_iter().find(|(it, _)| name == it)?;
        Some(format!("`{name}` in the core: {instead}"))
    })
}

/// `async` and `await` in the core.
pub(crate) fn core_features(source: &RustSource) -> Vec<Complaint> {
    if !source.path().starts_with(CORE) {
        return Vec::new();
    }
    find(source, |tokens| {
        let name = identifier(tokens.first())?;
        (name == "async" || name == "await")
            .then(|| format!("`{name}` in the core: return an output and take the answer as input"))
    })
}

/// Maps in the core whose order differs from run to run.
pub(crate) fn core_random_maps(source: &RustSource) -> Vec<Complaint> {
    if !source.path().starts_with(CORE) {
        return Vec::new();
    }
    let mut finder = RandomMaps { source, complaints: Vec::new() };
    finder.visit_file(&source.syntax);
    finder.complaints
}

struct RandomMaps<'a> {
    source: &'a RustSource,
    complaints: Vec<Complaint>,
}

impl<'a> Visit<'a> for RandomMaps<'_> {
    fn visit_path(&mut self, path: &'a syn::Path) {
        for (index, segment) in path.segments.iter().enumerate() {
            let line = segment.ident.span().start().line;
            let parameters = match segment.ident.to_string().as_str() {
                "HashMap" => 3,
                "HashSet" => 2,
                _ => continue,
            };
            let is_random = match &segment.arguments {
                syn::PathArguments::AngleBracketed(it) => it.args.len() < parameters,
                // Only these choose the random hasher by themselves.
                _ => path.segments.get(index + 1).is_some_and(|it| {
                    ["new", "with_capacity", "from"].iter().any(|name| it.ident == name)
                }),
            };
            if is_random && !self.source.is_test_line(line) {
                let message = format!(
                    "`{}` in the core has another order in each run: use a BTree one, or name a \
                     hasher without a seed of its own",
                    segment.ident
                );
                self.complaints.push(Complaint::new(self.source.path(), line, message));
            }
        }
        visit::visit_path(self, path);
    }
}

fn find(source: &RustSource, judge: impl Fn(&[TokenTree]) -> Option<String>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    source.for_each_token(|line, tokens| {
        if let Some(message) = judge(tokens) {
            complaints.push(Complaint::new(source.path(), line, message));
        }
    });
    complaints
}

fn is_parenthesis(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(it)) if it.delimiter() == Delimiter::Parenthesis)
}

/// The first word of the attribute that begins with the `#` in front of `tokens`.
fn attribute_name(tokens: &[TokenTree]) -> Option<String> {
    match tokens.get(1) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            group.stream().into_iter().next().map(|it| it.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::assert_lines;
    use crate::rust_source::planted;

    const IN_CORE: &str = "crates/surefoot-core/src/a.rs";

    #[test]
    fn unwrap_is_found_in_code_and_in_macros() {
        check(unwrap, "src/a.rs", "fn a() {\n    b().unwrap();\n}\n", &[2]);
        check(unwrap, "src/a.rs", "fn a() {\n    assert!(b().unwrap());\n}\n", &[2]);
        check(unwrap, "src/a.rs", "fn a() {\n    b()\n        .unwrap()\n}\n", &[3]);
    }

    #[test]
    fn unwrap_in_tests_strings_and_other_names_is_fine() {
        check(unwrap, "tests/a.rs", "fn a() {\n    b().unwrap();\n}\n", &[]);
        check(
            unwrap,
            "src/a.rs",
            "#[cfg(test)]\nmod tests {\n    fn a() { b().unwrap() }\n}\n",
            &[],
        );
        check(
            unwrap,
            "src/a.rs",
            "// b().unwrap()\nfn a() { b(\".unwrap()\").unwrap_or(1) }\n",
            &[],
        );
    }

    #[test]
    fn tests_that_do_not_run_are_found() {
        check(ignored_tests, "tests/a.rs", "#[test]\n#[ignore]\nfn a() {}\n", &[2]);
        check(ignored_tests, "src/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n", &[2]);
        let doctest = format!("/// ```{}\n/// a\n/// ```\nfn a() {{}}\n", "ignore");
        check(ignored_tests, "src/a.rs", &doctest, &[1]);
        check(ignored_tests, "src/a.rs", "/// ```no_run\n/// ```\nfn ignore() {}\n", &[]);
    }

    #[test]
    fn unsafe_code_is_found_outside_the_native_module() {
        let text = "fn a() {\n    unsafe { b() }\n}\n";
        check(unsafe_code, "crates/surefoot/src/driver.rs", text, &[2]);
        check(unsafe_code, "crates/surefoot-core/src/native.rs", text, &[2]);
        check(unsafe_code, "crates/surefoot/tests/a.rs", text, &[2]);
        check(unsafe_code, "crates/surefoot-bench/src/rounds.rs", text, &[2]);
        check(unsafe_code, "crates/surefoot-bench/src/native.rs", text, &[]);
        check(unsafe_code, "crates/surefoot/src/kafka/native.rs", text, &[]);
        check(unsafe_code, "crates/surefoot/src/kafka/native/queue.rs", text, &[]);
        check(unsafe_code, "xtask/src/a.rs", "#![deny(unsafe_code)]\n", &[]);
    }

    #[test]
    fn every_name_that_the_core_may_not_know_is_found_there_alone() {
        for (name, _) in CORE_NAMES {
            let text = format!("// {name}\nuse std::{{a, {name}::B}};\nfn c() {{ {name}::d() }}\n");
            check(core_names, IN_CORE, &text, &[2, 3]);
            check(core_names, "crates/surefoot/src/a.rs", &text, &[]);
            let test = format!("#[cfg(test)]\nmod tests {{\n    use {name}::B;\n}}\n");
            check(core_names, IN_CORE, &test, &[]);
        }
    }

    #[test]
    fn waiting_is_found_in_the_core() {
        check(core_features, IN_CORE, "async fn a() {\n    b().await\n}\n", &[1, 2]);
        check(core_features, "crates/surefoot/src/a.rs", "async fn a() {}\n", &[]);
    }

    #[test]
    fn maps_in_random_order_are_found_in_the_core() {
        let text = "use std::collections::HashMap;\ntype A = HashMap<u8, u8>;\n";
        check(core_random_maps, IN_CORE, text, &[2]);
        check(core_random_maps, IN_CORE, "fn a() {\n    HashSet::new();\n}\n", &[2]);
        check(core_random_maps, "crates/surefoot/src/a.rs", text, &[]);
        let fixed = "type A = HashMap<u8, u8, Fixed>;\ntype B = HashSet<u8, Fixed>;\n";
        check(core_random_maps, IN_CORE, fixed, &[]);
        check(core_random_maps, IN_CORE, "fn a() {\n    HashMap::default();\n}\n", &[]);
    }

    #[track_caller]
    fn check(rule: fn(&RustSource) -> Vec<Complaint>, path: &str, text: &str, lines: &[usize]) {
        assert_lines(&rule(&planted(path, text)), lines);
    }
}
