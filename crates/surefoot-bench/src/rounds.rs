//! In which order arms take their turns.
//!
//! What the machine does drifts over minutes: caches warm, neighbours come and go. Arms that run
//! one after the other in a fixed order would have the drift in their difference, so every second
//! round goes backwards (ABBA), and each arm comes as often early as late.

use anyhow::Result;

/// Measures every arm once a round; returns each arm's rounds, in the order of the arms.
pub(crate) fn interleave<A, T>(
    arms: &[A],
    rounds: usize,
    mut measure: impl FnMut(&A) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut results: Vec<Vec<T>> = arms.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..arms.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for arm in order {
            results[arm].push(measure(&arms[arm])?);
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_round_goes_backwards() {
        let mut order = String::new();
        let results = interleave(&['a', 'b'], 4, |arm| {
            order.push(*arm);
            Ok(order.len())
        });
        assert_eq!(order, "abbaabba");
        assert_eq!(results.unwrap(), [[1, 4, 5, 8], [2, 3, 6, 7]]);
    }
}
