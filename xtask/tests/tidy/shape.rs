//! How long files, functions and lines are, what files are called, and how they begin.
//!
//! Size is not the goal; a file that nobody rereads is the harm. The limits lie where a file stops
//! being about one noun and a function stops fitting a screen. One `match` over an enum may be
//! longer: cutting it in two hides which cases there are.

use proc_macro2::TokenTree;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::complaint::Complaint;
use crate::rust_source::RustSource;

const LONGEST_FILE: usize = 800;
const LONGEST_LINE: usize = 100;
const LONGEST_FUNCTION: usize = 70;
// Around the `match` that a long function consists of: its signature, a binding or two.
const AROUND_MATCH: usize = 10;
const SHORTEST_HEADER: usize = 3;
const LONGEST_HEADER: usize = 12;
// A file that is read in one screen or two needs no more than a sentence.
const SMALL_FILE: usize = 120;
const NAMES_OF_NOTHING: [&str; 8] =
    ["util", "utils", "helper", "helpers", "common", "types", "misc", "shared"];

/// Whether the file says what it decides. A crate's front page may be longer than a header, and so
/// may the list of what unsafe code relies on.
pub(crate) fn header(source: &RustSource) -> Vec<Complaint> {
    let lines = source.file.lines().take_while(|(_, line)| line.starts_with("//!")).count();
    let may_be_long = ["src/lib.rs", "/native.rs"].iter().any(|it| source.path().ends_with(it));
    let message = match lines {
        0 => "no header: begin the file with `//!` and what it decides and why that is hard",
        _ if source.is_test_file() => return Vec::new(),
        1..SHORTEST_HEADER if source.file.lines().count() <= SMALL_FILE => return Vec::new(),
        1..SHORTEST_HEADER => {
            "a header of less than 3 lines: say what the file decides and why that is hard"
        }
        SHORTEST_HEADER..=LONGEST_HEADER => return Vec::new(),
        _ if may_be_long => return Vec::new(),
        _ => "a header of more than 12 lines: keep the thought, move the rest to items or docs",
    };
    vec![Complaint::new(source.path(), 1, message)]
}

pub(crate) fn file_name(source: &RustSource) -> Vec<Complaint> {
    let is_empty_name = |part: &str| NAMES_OF_NOTHING.contains(&part.trim_end_matches(".rs"));
    let Some(part) = source.path().split('/').find(|part| is_empty_name(part)) else {
        return Vec::new();
    };
    let message = format!("`{part}` names nothing: call the file after the noun that it holds");
    vec![Complaint::new(source.path(), 1, message)]
}

pub(crate) fn file_length(source: &RustSource) -> Vec<Complaint> {
    let all = source.file.text.lines().count();
    let lines = (1..=all).filter(|&line| !source.is_test_line(line)).count();
    if lines <= LONGEST_FILE {
        return Vec::new();
    }
    let message = format!(
        "{lines} lines without tests, {LONGEST_FILE} are the limit: give the second noun in here \
         a file of its own"
    );
    vec![Complaint::new(source.path(), 1, message)]
}

pub(crate) fn function_length(source: &RustSource) -> Vec<Complaint> {
    let mut finder = LongFunctions { path: source.path(), complaints: Vec::new() };
    finder.visit_file(&source.syntax);
    finder.complaints
}

/// Lines that rustfmt could not break. A link may be long, and a test may quote a message whole.
pub(crate) fn line_length(source: &RustSource) -> Vec<Complaint> {
    let mut quoted = Vec::new();
    source.for_each_token_and_test(|_, tokens| {
        if let Some(TokenTree::Literal(literal)) = tokens.first() {
            let span = literal.span();
            quoted.push(span.start().line..=span.end().line);
        }
    });
    quoted.retain(|lines| lines.start() < lines.end());
    let may_be_long = |number: usize, line: &str| {
        let text = line.trim_start();
        let quotes = text.starts_with(['"', '@'])
            || text.starts_with("r#\"")
            || quoted.iter().any(|lines| lines.contains(&number));
        line.contains("://") || quotes && source.is_test_line(number)
    };
    let complaints = source.file.lines().filter_map(|(number, line)| {
        let columns = line.chars().count();
        (columns > LONGEST_LINE && !may_be_long(number, line)).then(|| {
            let message = format!("{columns} columns: break the line at {LONGEST_LINE}");
            Complaint::new(source.path(), number, message)
        })
    });
    complaints.collect()
}

struct LongFunctions<'a> {
    path: &'a str,
    complaints: Vec<Complaint>,
}

impl LongFunctions<'_> {
    fn judge(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let lines = block.span().end().line - first + 1;
        let outside_match = lines - lines_of_last_match(block);
        if lines <= LONGEST_FUNCTION || outside_match <= AROUND_MATCH {
            return;
        }
        let message = format!(
            "`{}` has {lines} lines, {LONGEST_FUNCTION} are the limit unless it is one match: \
             keep the branches, move pure work out",
            signature.ident
        );
        self.complaints.push(Complaint::new(self.path, first, message));
    }
}

impl<'a> Visit<'a> for LongFunctions<'_> {
    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.judge(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.judge(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'a syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.judge(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// How many lines the `match` has that the block ends with; 0 without one.
fn lines_of_last_match(block: &syn::Block) -> usize {
    match block.stmts.last() {
        Some(syn::Stmt::Expr(syn::Expr::Match(it), _)) => {
            it.span().end().line - it.span().start().line + 1
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::assert_lines;
    use crate::rust_source::planted;

    #[test]
    fn a_file_without_a_header_is_found() {
        check(header, "src/a.rs", "fn a() {}\n", &[1]);
        check(header, "tests/a.rs", "fn a() {}\n", &[1]);
        let long = format!("//! Short.\n{}", "// x\n".repeat(SMALL_FILE));
        check(header, "src/a.rs", &long, &[1]);
        check(header, "src/a.rs", &"//! Long.\n".repeat(13), &[1]);
    }

    #[test]
    fn headers_of_the_right_length_pass() {
        check(header, "src/a.rs", &"//! Right.\n".repeat(3), &[]);
        check(header, "src/a.rs", &"//! Right.\n".repeat(12), &[]);
        check(header, "crates/a/src/lib.rs", &"//! Front page.\n".repeat(80), &[]);
        check(header, "crates/a/src/native.rs", &"//! Invariant.\n".repeat(40), &[]);
        check(header, "tests/a.rs", "//! A scenario.\n", &[]);
        check(header, "src/a.rs", "//! Small.\nfn a() {}\n", &[]);
    }

    #[test]
    fn names_of_nothing_are_found_as_file_and_as_directory() {
        for name in NAMES_OF_NOTHING {
            check(file_name, &format!("src/{name}.rs"), "", &[1]);
            check(file_name, &format!("src/{name}/offset.rs"), "", &[1]);
        }
        check(file_name, "src/common_ground.rs", "", &[]);
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(900));
        check(file_length, "src/a.rs", &format!("{}{tests}", "// x\n".repeat(800)), &[]);
        check(file_length, "src/a.rs", &format!("{}{tests}", "// x\n".repeat(801)), &[1]);
        check(file_length, "tests/a.rs", &"// x\n".repeat(801), &[]);
    }

    #[test]
    fn a_long_function_is_found_wherever_it_is() {
        check(function_length, "src/a.rs", &function("a();\n".repeat(68)), &[]);
        check(function_length, "src/a.rs", &function("a();\n".repeat(69)), &[1]);
        let body = function("a();\n".repeat(69));
        check(function_length, "src/a.rs", &format!("impl A {{\n{body}}}\n"), &[2]);
        check(function_length, "src/a.rs", &format!("trait A {{\n{body}}}\n"), &[2]);
        check(function_length, "src/a.rs", &format!("mod a {{\n{body}}}\n"), &[2]);
    }

    #[test]
    fn long_lines_are_found() {
        let (fits, exceeds) = ("é".repeat(97), "é".repeat(98));
        check(line_length, "src/a.rs", &format!("// {fits}\n// {exceeds}\n"), &[2]);
        check(line_length, "tests/a.rs", &format!("// {exceeds}\n"), &[1]);
        check(line_length, "src/a.rs", &format!("// https://{exceeds}\n"), &[]);
        let quote = format!("fn a() {{\n    b!(\n        @\"{exceeds}\"\n    )\n}}\n");
        check(line_length, "src/a.rs", &quote, &[3]);
        check(line_length, "tests/a.rs", &quote, &[]);
    }

    #[test]
    fn one_match_may_be_long() {
        let one_match = format!("match a {{\n{}}}\n", "1 => {}\n".repeat(90));
        check(function_length, "src/a.rs", &function(format!("let a = b();\n{one_match}")), &[]);
        let work = "a();\n".repeat(11);
        check(function_length, "src/a.rs", &function(format!("{work}{one_match}")), &[1]);
        check(function_length, "src/a.rs", &function(format!("{one_match}{one_match}")), &[1]);
    }

    fn function(body: impl AsRef<str>) -> String {
        format!("fn f() {{\n{}}}\n", body.as_ref())
    }

    #[track_caller]
    fn check(rule: fn(&RustSource) -> Vec<Complaint>, path: &str, text: &str, lines: &[usize]) {
        assert_lines(&rule(&planted(path, text)), lines);
    }
}
