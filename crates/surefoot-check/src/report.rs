//! Shows a verdict to people, and says with which code a program that judged should exit.
//!
//! The same verdict as JSON is its `serde` form. The text is for somebody who has to find a bug:
//! the counts first, then each violation with the lines of the files that show it.

use std::fmt::{self, Write};

use crate::verdict::{Counts, Verdict};

/// Exit code of a program that judged: no violation.
pub const EXIT_PASSED: u8 = 0;
/// Exit code of a program that judged: at least one violation.
pub const EXIT_VIOLATED: u8 = 1;
/// Exit code of a program that could not judge: the input was refused.
pub const EXIT_REFUSED: u8 = 2;

impl Verdict {
    /// The exit code of a program that ends with this verdict.
    pub fn exit_code(&self) -> u8 {
        if self.passed { EXIT_PASSED } else { EXIT_VIOLATED }
    }
}

impl Counts {
    /// The counts with their names, in the order in which they are shown.
    pub fn rows(&self) -> [(&'static str, u64); 17] {
        [
            ("produced", self.produced),
            ("in scope", self.in_scope),
            ("handled", self.handled),
            ("skipped", self.skipped),
            ("passed over", self.passed_over),
            ("interrupted", self.interrupted),
            ("lost", self.lost),
            ("unhandled", self.unhandled),
            ("repeated", self.repeated),
            ("out of order", self.out_of_order),
            ("commits applied", self.commits_applied),
            ("commits moved back", self.commits_moved_back),
            ("incarnations", self.incarnations),
            ("kills", self.kills),
            ("rebalances", self.rebalances),
            ("lost terms", self.lost_terms),
            ("longest gap, ms", self.longest_gap_ms),
        ]
    }
}

impl fmt::Display for Verdict {
    /// The report: a heading, the counts, each violation with its events, what was not judged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.violation_counts.values().sum();
        let (guarantee, order) = (self.guarantee, self.processing_order);
        match total {
            0 => writeln!(f, "{guarantee}, order {order}: no violation")?,
            1 => writeln!(f, "{guarantee}, order {order}: 1 violation")?,
            _ => writeln!(f, "{guarantee}, order {order}: {total} violations")?,
        }
        f.write_char('\n')?;
        for (name, count) in self.counts.rows() {
            writeln!(f, "  {name:<20}{count:>14}")?;
        }
        for (&predicate, &count) in &self.violation_counts {
            writeln!(f, "\n{predicate} {}: {count}", predicate.title())?;
            let shown = self.violations.iter().filter(|found| found.predicate == predicate);
            let mut left = count;
            for violation in shown {
                left -= 1;
                writeln!(f, "  {}", violation.message)?;
                for event in &violation.events {
                    let (seconds, micros) = (event.at / 1_000_000, event.at % 1_000_000);
                    let place = format!("{}:{}", event.source, event.line);
                    writeln!(f, "      {place:<16} {seconds}.{micros:06}  {}", event.text)?;
                }
            }
            if left > 0 {
                writeln!(f, "  and {left} more")?;
            }
        }
        let judged: Vec<&str> = self.judged.iter().map(|predicate| predicate.name()).collect();
        writeln!(f, "\njudged: {}", judged.join(" "))?;
        for not_judged in &self.not_judged {
            writeln!(f, "not judged: {}, {}", not_judged.predicate, not_judged.why)?;
        }
        Ok(())
    }
}
