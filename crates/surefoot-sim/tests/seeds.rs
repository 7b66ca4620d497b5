//! The seeds of every test run: those that failed once, and the first of all.

use surefoot_sim::{StopAt, Tracing, What, run_seed, run_seeds};

#[test]
fn seeds_that_failed_once_pass() {
    for line in include_str!("../regressions.txt").lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some((seed, what)) = line.split_once(' ') else { continue };
        let seed = seed.parse().expect("a line begins with a seed");
        let result = run_seed(seed, Tracing::Off);
        assert_eq!(result.violations, [""; 0], "seed {seed}: {}", what.trim());
    }
}

#[test]
fn the_first_200_seeds_pass() {
    let report = run_seeds(0, 200, StopAt::TheEnd);
    assert_eq!(report.seeds, 200);
    let failures: Vec<String> = report
        .failures
        .iter()
        .map(|failure| match &failure.what {
            What::Panic(text) => format!("seed {}: panic: {text}", failure.seed),
            What::Violations(violations) => format!("seed {}: {}", failure.seed, violations[0]),
        })
        .collect();
    assert_eq!(failures, [""; 0]);
}

#[test]
fn a_seed_gives_the_same_run_each_time() {
    for seed in 0..20 {
        let (a, b) = (run_seed(seed, Tracing::Off), run_seed(seed, Tracing::Off));
        assert_eq!((a.hash, a.events, a.lines), (b.hash, b.events, b.lines), "seed {seed}");
    }
    let (a, b) = (run_seed(0, Tracing::Off), run_seed(1, Tracing::Off));
    assert_ne!(a.hash, b.hash, "the hash tells runs apart");
}

#[test]
fn many_seeds_add_up_to_the_same_however_the_threads_take_them() {
    let (a, b) = (run_seeds(500, 60, StopAt::TheEnd), run_seeds(500, 60, StopAt::TheEnd));
    assert_eq!((a.hash, a.events, a.reached), (b.hash, b.events, b.reached));
}
