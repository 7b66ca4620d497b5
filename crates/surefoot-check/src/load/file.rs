//! One file: the history of a member, events from outside, or dumps, told apart by the first line.
//!
//! A killed process may leave a last line without its end, or with nothing but its end missing, or
//! no line at all. Whether it was killed is told by other files, so a torn line is only noted here.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::dump::{self, Dump};
use super::error::LoadError;
use crate::history::{Begin, Event, FORMAT, IncarnationName, Line};

/// What a file holds.
pub(super) enum Contents {
    Member(MemberFile),
    Outside(OutsideFile),
    Dumps(Vec<Dump>),
}

/// The history of an incarnation.
pub(super) struct MemberFile {
    pub(super) path: PathBuf,
    pub(super) name: IncarnationName,
    /// `None` when the process died before its first line was whole.
    pub(super) begin: Option<Begin>,
    /// All lines, the first included.
    pub(super) lines: Vec<Line>,
    /// The number of a torn last line.
    pub(super) torn: Option<u32>,
}

/// Events from outside.
pub(super) struct OutsideFile {
    pub(super) path: PathBuf,
    pub(super) lines: Vec<Line>,
}

impl MemberFile {
    /// Whether the process wrote that it ended.
    pub(super) fn exited(&self) -> bool {
        self.lines.iter().rev().any(|line| matches!(line.event, Event::Exited(_)))
    }
}

#[derive(Deserialize)]
struct First<'a> {
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dump: Option<Cow<'a, str>>,
}

pub(super) fn read(path: &Path) -> Result<Contents, LoadError> {
    let bytes =
        fs::read(path).map_err(|source| LoadError::Unreadable { file: path.to_owned(), source })?;
    let text = Lines::new(&bytes);
    let named = name_of(path);
    let first: Option<First<'_>> =
        text.clone().next().and_then(|(_, line)| serde_json::from_slice(line).ok());
    let refuse = |why: String| Err(LoadError::FirstLine { file: path.to_owned(), why });
    match (first, named) {
        (Some(First { dump: Some(_), .. }), _) => dump::read(path, text).map(Contents::Dumps),
        (Some(First { event: Some(event), .. }), named) if event == "begin" => match named {
            Some(name) => read_member(path, name, text).map(Contents::Member),
            None => refuse("the file's name is not `<member>-<incarnation>.ndjson`".into()),
        },
        (Some(First { event: Some(_), .. }), _) => read_outside(path, text).map(Contents::Outside),
        // The first line itself is torn: only a kill explains that, which is checked later.
        (None, Some(name)) if !bytes.contains(&b'\n') => Ok(Contents::Member(MemberFile {
            path: path.to_owned(),
            name,
            begin: None,
            lines: Vec::new(),
            torn: Some(1),
        })),
        _ if bytes.is_empty() => refuse("the file is empty".into()),
        _ => refuse("the line has neither `event` nor `dump`".into()),
    }
}

fn read_member(
    path: &Path,
    name: IncarnationName,
    text: Lines<'_>,
) -> Result<MemberFile, LoadError> {
    let mut lines: Vec<Line> = Vec::with_capacity(text.estimate());
    let mut torn = None;
    let whole = text.whole();
    for (number, bytes) in text {
        match parse(bytes) {
            Ok(line) => lines.push(line),
            Err(_) if number > whole => torn = Some(number),
            Err(why) if number == 1 => {
                return Err(LoadError::FirstLine { file: path.to_owned(), why });
            }
            Err(why) => return Err(LoadError::Line { file: path.to_owned(), line: number, why }),
        }
    }
    let begin = match lines.first().map(|line| &line.event) {
        Some(Event::Begin(begin)) => (**begin).clone(),
        _ => return Err(LoadError::FirstLine { file: path.to_owned(), why: "no `begin`".into() }),
    };
    let refuse = |line: u32, why: String| {
        Err(match line {
            1 => LoadError::FirstLine { file: path.to_owned(), why },
            _ => LoadError::Line { file: path.to_owned(), line, why },
        })
    };
    if begin.format != FORMAT {
        return refuse(1, format!("format {}, this version reads format {FORMAT}", begin.format));
    }
    if begin.name() != name {
        return refuse(
            1,
            format!("the file is named after {name}, the line after {}", begin.name()),
        );
    }
    let again = lines.iter().skip(1).position(|line| matches!(line.event, Event::Begin(_)));
    if let Some(again) = again {
        return refuse(again as u32 + 2, "a second `begin`".into());
    }
    Ok(MemberFile { path: path.to_owned(), name, begin: Some(begin), lines, torn })
}

fn read_outside(path: &Path, text: Lines<'_>) -> Result<OutsideFile, LoadError> {
    let mut lines = Vec::with_capacity(text.estimate());
    for (number, bytes) in text {
        let refuse = |why| LoadError::Line { file: path.to_owned(), line: number, why };
        let line = parse(bytes).map_err(refuse)?;
        if !line.event.is_from_outside() {
            let why =
                format!("`{}` is a member's event, and `begin` is missing", line.event.name());
            return Err(match number {
                1 => LoadError::FirstLine { file: path.to_owned(), why },
                _ => refuse(why),
            });
        }
        lines.push(line);
    }
    Ok(OutsideFile { path: path.to_owned(), lines })
}

fn parse(bytes: &[u8]) -> Result<Line, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    Line::parse(text).map_err(|error| error.to_string())
}

/// `<member>-<incarnation>` of a file's name.
fn name_of(path: &Path) -> Option<IncarnationName> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".ndjson")?;
    let (member, incarnation) = stem.rsplit_once('-')?;
    Some(IncarnationName {
        member: Arc::from(member),
        incarnation: incarnation.parse().ok().filter(|&incarnation| incarnation > 0)?,
    })
}

/// The lines of a file with their numbers, from 1, without line breaks.
#[derive(Clone)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    next: u32,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, next: 1 }
    }

    /// How many of the lines are ended by a line break.
    fn whole(&self) -> u32 {
        self.next - 1 + self.rest.iter().filter(|&&byte| byte == b'\n').count() as u32
    }

    fn estimate(&self) -> usize {
        // Lines of histories have 100 to 200 bytes.
        self.rest.len() / 128 + 1
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let line = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = end.map_or(&[], |end| &self.rest[end + 1..]);
        self.next += 1;
        Some((self.next - 1, line))
    }
}
