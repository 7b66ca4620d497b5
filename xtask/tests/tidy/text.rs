//! Rules about plain text, in every file or in the kinds that people write by hand.
//!
//! The words looked for are put together from halves, so that this file does not complain about
//! itself.

use crate::complaint::Complaint;
use crate::tree::TextFile;

const REMINDERS: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
const MACHINE_PATHS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
const WRITTEN_BY_HAND: [&str; 9] = ["rs", "toml", "md", "sh", "sql", "html", "css", "js", "yml"];

/// Reminders to finish something: nobody comes back to them.
pub(crate) fn reminders(file: &TextFile) -> Vec<Complaint> {
    if file.name() == "Cargo.lock" {
        return Vec::new();
    }
    complain(file, |line| {
        let word = REMINDERS.into_iter().find(|word| has_word(line, word))?;
        Some(format!("`{word}`: do it now, or say in CHANGELOG or docs what is not there"))
    })
}

/// Directories of one machine.
pub(crate) fn machine_paths(file: &TextFile) -> Vec<Complaint> {
    complain(file, |line| {
        let path = MACHINE_PATHS.into_iter().find(|path| has_absolute(line, path))?;
        Some(format!("`{path}` is on one machine only: write a path relative to the repository"))
    })
}

pub(crate) fn trailing_whitespace(file: &TextFile) -> Vec<Complaint> {
    if !is_written_by_hand(file) {
        return Vec::new();
    }
    complain(file, |line| {
        let trails = line.ends_with([' ', '\t']);
        trails.then(|| "whitespace at the end of the line: remove it (`cargo fmt`)".to_owned())
    })
}

pub(crate) fn missing_final_newline(file: &TextFile) -> Vec<Complaint> {
    if !is_written_by_hand(file) || file.text.is_empty() || file.text.ends_with('\n') {
        return Vec::new();
    }
    let last = file.lines().count();
    vec![Complaint::new(&file.path, last, "the last line does not end: add a newline")]
}

fn complain(file: &TextFile, judge: impl Fn(&str) -> Option<String>) -> Vec<Complaint> {
    file.lines()
        .filter_map(|(number, line)| Some(Complaint::new(&file.path, number, judge(line)?)))
        .collect()
}

fn is_written_by_hand(file: &TextFile) -> bool {
    WRITTEN_BY_HAND.iter().any(|extension| file.has_extension(extension))
}

/// Whether `word` stands alone in `line`.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        !line[..start].ends_with(is_part) && !line[start + word.len()..].starts_with(is_part)
    })
}

/// Whether `path` begins in `line`, and is not the middle of a longer path or of a link.
fn has_absolute(line: &str, path: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || ".-_~/}*".contains(c);
    line.match_indices(path).any(|(start, _)| !line[..start].ends_with(continues))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::assert_lines;

    #[test]
    fn reminders_are_found_as_words() {
        for word in REMINDERS {
            check(reminders, "a.md", &format!("fine\n// {word}: later\n"), &[2]);
            check(
                reminders,
                "a.rs",
                &format!("fn {}s() {{}}\n{word}S\n", word.to_lowercase()),
                &[],
            );
        }
    }

    #[test]
    fn absolute_paths_are_found_and_relative_ones_are_not() {
        for path in MACHINE_PATHS {
            check(machine_paths, "a.toml", &format!("x = 1\npath = \"{path}main\"\n"), &[2]);
            check(machine_paths, "a.md", &format!("run {path}x\n"), &[1]);
            let fine = format!("src{path}x https://host.example{path}x ../a{path}x\n");
            check(machine_paths, "a.md", &fine, &[]);
        }
    }

    #[test]
    fn whitespace_at_the_end_is_found_where_people_write() {
        check(trailing_whitespace, "a.rs", "a \nb\nc\t\n", &[1, 3]);
        check(trailing_whitespace, "a.patch", "a \n", &[]);
    }

    #[test]
    fn a_last_line_without_end_is_found() {
        check(missing_final_newline, "a.md", "a\nb", &[2]);
        check(missing_final_newline, "a.md", "a\nb\n", &[]);
        check(missing_final_newline, "a.md", "", &[]);
    }

    #[track_caller]
    fn check(rule: fn(&TextFile) -> Vec<Complaint>, path: &str, text: &str, lines: &[usize]) {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        assert_lines(&rule(&file), lines);
    }
}
