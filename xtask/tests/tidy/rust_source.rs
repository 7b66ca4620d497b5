//! A Rust file with its syntax, and which of its lines are tests.
//!
//! Most rules are for the code that ships: a test may unwrap, and its lines do not make a file
//! long. So each file knows its test lines: the items behind `#[cfg(test)]` or `#[test]`, or all
//! of them in a file that only tests include.

use std::ops::RangeInclusive;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::complaint::Complaint;
use crate::tree::TextFile;

/// A Rust file that parses.
pub(crate) struct RustSource {
    pub(crate) file: TextFile,
    pub(crate) syntax: syn::File,
    tokens: TokenStream,
    test_lines: Vec<RangeInclusive<usize>>,
}

impl RustSource {
    pub(crate) fn parse(file: &TextFile) -> syn::Result<Self> {
        let syntax = syn::parse_file(&file.text)?;
        let tokens = file.text.parse()?;
        let mut finder = TestFinder::default();
        finder.visit_file(&syntax);
        Ok(Self { file: file.clone(), syntax, tokens, test_lines: finder.lines })
    }

    pub(crate) fn path(&self) -> &str {
        &self.file.path
    }

    /// Whether only tests include the file.
    pub(crate) fn is_test_file(&self) -> bool {
        let of_tests = |part: &str| matches!(part, "tests" | "benches" | "tests.rs");
        self.path().split('/').any(of_tests)
    }

    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.is_test_file() || self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// Every token outside tests, in macros too, with the tokens that follow it in its group.
    pub(crate) fn for_each_token(&self, mut see: impl FnMut(usize, &[TokenTree])) {
        walk(self.tokens.clone(), &mut |line, tokens| {
            if !self.is_test_line(line) {
                see(line, tokens);
            }
        });
    }

    /// As [`RustSource::for_each_token`], tests included.
    pub(crate) fn for_each_token_and_test(&self, mut see: impl FnMut(usize, &[TokenTree])) {
        walk(self.tokens.clone(), &mut see);
    }
}

/// Parses what parses, and complains about the rest.
pub(crate) fn parse_all<'a>(
    files: impl Iterator<Item = &'a TextFile>,
) -> (Vec<RustSource>, Vec<Complaint>) {
    let mut sources = Vec::new();
    let mut complaints = Vec::new();
    for file in files {
        match RustSource::parse(file) {
            Ok(source) => sources.push(source),
            Err(error) => {
                let line = error.span().start().line;
                let message = format!("not rust, so nothing else is checked: {error}");
                complaints.push(Complaint::new(&file.path, line, message));
            }
        }
    }
    (sources, complaints)
}

/// The identifier that `token` is, if it is one.
pub(crate) fn identifier(token: Option<&TokenTree>) -> Option<&Ident> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident),
        _ => None,
    }
}

/// Whether `token` is the punctuation `sign`.
pub(crate) fn is_sign(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn walk(tokens: TokenStream, see: &mut impl FnMut(usize, &[TokenTree])) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        see(token.span().start().line, &tokens[index..]);
        if let TokenTree::Group(group) = token {
            walk(group.stream(), see);
        }
    }
}

#[derive(Default)]
struct TestFinder {
    lines: Vec<RangeInclusive<usize>>,
}

impl TestFinder {
    fn note(&mut self, attributes: &[syn::Attribute], item: &impl Spanned) {
        if attributes.iter().any(is_test_attribute) {
            let span = item.span();
            self.lines.push(span.start().line..=span.end().line);
        }
    }
}

impl<'a> Visit<'a> for TestFinder {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.note(&item.attrs, item);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.note(&item.attrs, item);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        self.note(&item.attrs, item);
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.note(&item.attrs, item);
        visit::visit_impl_item_fn(self, item);
    }
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`; not `#[cfg(not(test))]`.
fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    let path = attribute.path();
    if path.segments.last().is_some_and(|segment| segment.ident == "test") {
        return true;
    }
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    let (mut names_test, mut negates) = (false, false);
    walk(list.tokens.clone(), &mut |_, tokens| {
        names_test |= identifier(tokens.first()).is_some_and(|it| it == "test");
        negates |= identifier(tokens.first()).is_some_and(|it| it == "not");
    });
    path.is_ident("cfg") && names_test && !negates
}

/// A source for the tests of checks.
#[cfg(test)]
#[track_caller]
pub(crate) fn planted(path: &str, text: &str) -> RustSource {
    let file = TextFile { path: path.to_owned(), text: text.to_owned() };
    RustSource::parse(&file).expect("planted text is rust")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_lines_are_those_of_test_items() {
        check("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n", &[2, 3, 4, 5]);
        check("#[test]\nfn a() {}\nfn b() {}\n", &[1, 2]);
        check("#[tokio::test(start_paused = true)]\nasync fn a() {}\nfn b() {}\n", &[1, 2]);
        check("#[cfg(all(test, unix))]\nmod tests {}\n", &[1, 2]);
        check("impl A {\n    #[cfg(test)]\n    fn b() {}\n    fn c() {}\n}\n", &[2, 3]);
        check("#[cfg(not(test))]\nmod a {}\n#[cfg(unix)]\nmod b {}\n", &[]);
    }

    #[test]
    fn a_file_of_tests_is_all_test() {
        for path in ["crates/a/tests/b.rs", "crates/a/src/engine/tests.rs", "a/benches/b.rs"] {
            assert!(planted(path, "fn a() {}\n").is_test_line(1), "{path}");
        }
        assert!(!planted("crates/a/src/contests.rs", "fn a() {}\n").is_test_line(1));
    }

    #[test]
    fn text_that_is_no_rust_is_complained_about() {
        let file = TextFile { path: "a.rs".to_owned(), text: "fn a() {}\nfn b(\n".to_owned() };
        let (sources, complaints) = parse_all([file].iter());
        assert!(sources.is_empty());
        assert_eq!(complaints.len(), 1);
    }

    #[track_caller]
    fn check(text: &str, lines: &[usize]) {
        let source = planted("src/a.rs", text);
        let found: Vec<usize> =
            (1..=text.lines().count()).filter(|&line| source.is_test_line(line)).collect();
        assert_eq!(found, lines, "{text}");
    }
}
