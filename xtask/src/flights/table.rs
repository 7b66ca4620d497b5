//! The result for people: one row a guarantee, one table for each who counted.

use std::fmt;

use super::{Outcome, Row};

const HEADINGS: [&str; 8] =
    ["guarantee", "produced", "handled", "lost", "cut short", "repeated", "out of order", "kills"];

/// The tables of a run.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a>(pub &'a [Outcome]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "counted by surefoot check")?;
        write_rows(f, self.0.iter().map(|it| (it.guarantee, &it.check)))?;
        writeln!(f, "\ncounted by an independent program (python, kafka-python)")?;
        write_rows(f, self.0.iter().map(|it| (it.guarantee, &it.recount)))
    }
}

fn write_rows<'a>(
    f: &mut fmt::Formatter<'_>,
    rows: impl Iterator<Item = (&'a str, &'a Row)>,
) -> fmt::Result {
    let mut table = vec![HEADINGS.map(str::to_owned)];
    table.extend(rows.map(|(guarantee, row)| {
        let numbers = [
            row.produced,
            row.handled,
            row.lost,
            row.cut_short,
            row.repeated,
            row.out_of_order,
            row.kills,
        ];
        let mut cells = HEADINGS.map(|_| guarantee.to_owned());
        for (cell, number) in cells[1..].iter_mut().zip(numbers) {
            *cell = with_separators(number);
        }
        cells
    }));
    for cells in &table {
        let mut line = String::from(" ");
        for (column, cell) in cells.iter().enumerate() {
            let width = table.iter().map(|cells| cells[column].len()).max().unwrap_or(0);
            line += &match column {
                0 => format!(" {cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// `336776` as `336,776`.
fn with_separators(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_line_up_under_their_headings() {
        let row = Row {
            produced: 336_776,
            handled: 336_700,
            lost: 70,
            cut_short: 6,
            repeated: 0,
            out_of_order: 0,
            kills: 6,
        };
        let outcome = Outcome {
            guarantee: "at-most-once",
            check: row.clone(),
            recount: row,
            complaints: Vec::new(),
            seconds: 9,
        };
        let text = Table(&[outcome]).to_string();
        let expected = "\
counted by surefoot check
  guarantee     produced  handled  lost  cut short  repeated  out of order  kills
  at-most-once   336,776  336,700    70          6         0             0      6
";
        assert!(text.starts_with(expected), "{text}");
    }
}
