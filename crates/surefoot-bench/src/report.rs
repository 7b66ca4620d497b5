//! What a run says: the machine, and for each benchmark its figures and what follows from them.
//!
//! Figures stand with their range, and a comparison whose ranges overlap says so: it may be chance.
//! A comparison with a target says whether it is met and, if not, by how much it is missed.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::environment::Environment;
use crate::spread::{Spread, digits};

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) before: Environment,
    pub(crate) after: Option<Environment>,
    pub(crate) sections: Vec<Section>,
}

/// One benchmark.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    pub(crate) name: String,
    /// What was measured, one sentence a line.
    pub(crate) about: Vec<String>,
    pub(crate) arms: Vec<Figures>,
    pub(crate) comparisons: Vec<Comparison>,
}

/// The figures of one arm.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) arm: String,
    /// By what is measured, with its unit.
    pub(crate) figures: BTreeMap<&'static str, Spread>,
}

/// What two arms, or an arm and an ideal, say together.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) what: String,
    pub(crate) value: Spread,
    pub(crate) unit: &'static str,
    pub(crate) target: Option<Target>,
    /// Whether the two ranges overlap, so that the difference may be chance.
    pub(crate) indistinguishable: bool,
}

/// What a comparison ought to be.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Report {
    pub(crate) fn new(before: Environment) -> Self {
        Self { before, after: None, sections: Vec::new() }
    }

    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    pub(crate) fn print_environment(&self) {
        let Environment { kernel, cpu, cores, .. } = &self.before;
        println!("machine: {cores} cores, {cpu}, Linux {kernel}");
        println!("before:  {}", probes(&self.before));
    }

    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    pub(crate) fn print_after(&self) {
        if let Some(after) = &self.after {
            println!("\nafter:   {}", probes(after));
        }
    }

    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    pub(crate) fn print_json(&self) -> Result<()> {
        println!("{}", serde_json::to_string_pretty(self)?);
        Ok(())
    }
}

fn probes(environment: &Environment) -> String {
    let Environment { sync_micros, round_trip_micros, canary_millis, load, .. } = environment;
    format!(
        "append 4 KiB and fdatasync {} µs, loopback round trip {} µs, canary {} ms, load {load}",
        digits(*sync_micros),
        digits(*round_trip_micros),
        digits(*canary_millis),
    )
}

impl Section {
    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    pub(crate) fn print(&self) {
        println!("\n== {}", self.name);
        for line in &self.about {
            println!("   {line}");
        }
        let mut names: Vec<&str> = Vec::new();
        for name in self.arms.iter().flat_map(|arm| arm.figures.keys()) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        let mut table: Vec<Vec<String>> = Vec::new();
        table.push(std::iter::once("").chain(names.iter().copied()).map(str::to_owned).collect());
        for arm in &self.arms {
            let cell = |name: &&str| arm.figures.get(*name).map(Spread::text).unwrap_or_default();
            table.push(std::iter::once(arm.arm.clone()).chain(names.iter().map(cell)).collect());
        }
        print_table(&table);
        for comparison in &self.comparisons {
            println!("   {}", comparison.text());
        }
    }
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn print_table(table: &[Vec<String>]) {
    let columns = table.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in table {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        println!("   {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

impl Comparison {
    pub(crate) fn text(&self) -> String {
        let Self { what, value, unit, target, indistinguishable } = self;
        let mut text = format!("{what}: {}{unit}", value.text());
        if let Some(target) = target {
            text.push_str(&format!(", target {}", target.judge(value.median, unit)));
        }
        if *indistinguishable {
            text.push_str(" (ranges overlap: may be chance)");
        }
        text
    }
}

impl Target {
    /// The target, and whether the value meets it.
    fn judge(self, value: f64, unit: &str) -> String {
        let (sign, bound, is_met) = match self {
            Self::AtMost(bound) => ('≤', bound, value <= bound),
            Self::AtLeast(bound) => ('≥', bound, value >= bound),
        };
        if is_met {
            format!("{sign} {bound}{unit}: met")
        } else {
            format!("{sign} {bound}{unit}: MISSED by {}{unit}", digits((value - bound).abs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_says_by_how_much() {
        assert_eq!(text(3.0, Target::AtMost(2.0)), "a: 3.00 ns, target ≤ 2 ns: MISSED by 1.00 ns");
        assert_eq!(text(2.0, Target::AtMost(2.0)), "a: 2.00 ns, target ≤ 2 ns: met");
        assert_eq!(
            text(1.5, Target::AtLeast(2.0)),
            "a: 1.50 ns, target ≥ 2 ns: MISSED by 0.500 ns"
        );
    }

    fn text(value: f64, target: Target) -> String {
        let comparison = Comparison {
            what: "a".to_owned(),
            value: Spread::of(vec![value]),
            unit: " ns",
            target: Some(target),
            indistinguishable: false,
        };
        comparison.text()
    }
}
