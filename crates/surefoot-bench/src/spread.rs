//! What several rounds of one figure say: the median, and how far they lie apart.
//!
//! A mean hides the round in which a neighbour took the machine, and a best-of hides all others.
//! Ranges that overlap are reported as they are: such a difference may be chance.

use serde::Serialize;

/// The values of one figure, one a round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
    pub(crate) rounds: Vec<f64>,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(rounds: Vec<f64>) -> Self {
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        Self { median, lowest: sorted[0], highest: sorted[sorted.len() - 1], rounds }
    }

    /// What `combine` makes of this and another, round by round.
    pub(crate) fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Self::of(pairs.map(|(a, b)| combine(*a, *b)).collect())
    }

    /// Whether some round of one lies within the range of the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.lowest <= other.highest && other.lowest <= self.highest
    }

    /// `median (lowest–highest)`, with enough digits to compare.
    pub(crate) fn text(&self) -> String {
        if self.rounds.len() == 1 {
            return digits(self.median);
        }
        let (low, high) = (digits(self.lowest), digits(self.highest));
        format!("{} ({low}–{high})", digits(self.median))
    }
}

/// Three significant digits, more for whole numbers above a thousand.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_the_order_and_one_wild_round() {
        let spread = Spread::of(vec![3.0, 1.0, 900.0, 2.0, 2.5]);
        assert_eq!((spread.median, spread.lowest, spread.highest), (2.5, 1.0, 900.0));
        assert_eq!(Spread::of(vec![1.0, 2.0]).median, 1.5);
    }

    #[test]
    fn rounds_are_combined_in_pairs() {
        let ours = Spread::of(vec![4.0, 9.0]);
        let theirs = Spread::of(vec![2.0, 3.0]);
        assert_eq!(ours.with(&theirs, |a, b| a / b).rounds, [2.0, 3.0]);
    }

    #[test]
    fn ranges_that_touch_overlap() {
        let of = |low, high| Spread::of(vec![low, high]);
        assert!(of(1.0, 3.0).overlaps(&of(2.0, 5.0)));
        assert!(of(2.0, 5.0).overlaps(&of(1.0, 3.0)));
        assert!(!of(1.0, 2.0).overlaps(&of(2.1, 5.0)));
    }
}
