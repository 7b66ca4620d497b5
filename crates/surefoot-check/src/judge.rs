//! Puts a run before the predicates.
//!
//! The same function judges simulated runs and runs that were read from files: a bug that one of
//! them shows must be one that the other could show.

use crate::facts::Facts;
use crate::findings::Findings;
use crate::predicates;
use crate::promise::Promise;
use crate::run::Run;
use crate::verdict::Verdict;

/// Judges a run against a promise.
pub fn judge(run: &Run, promise: &Promise) -> Verdict {
    let facts = Facts::gather(run, promise);
    let mut findings = Findings::default();
    let counts = predicates::judge(&facts, &mut findings);
    let violations = findings.violations(&facts);
    findings.judged.sort_unstable();
    Verdict {
        guarantee: promise.guarantee,
        processing_order: promise.processing_order,
        passed: findings.counts.is_empty(),
        counts,
        judged: findings.judged,
        not_judged: findings.not_judged,
        violation_counts: findings.counts,
        violations,
    }
}
