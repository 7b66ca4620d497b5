//! Each predicate against a history that breaks it, and histories that break none.
//!
//! A checker that cannot fail checks nothing. The histories are as small as the bug that they
//! plant, and each names the predicates that must notice it; a clean history must be noticed by
//! none.

mod plants {
    mod clean;
    mod commits;
    mod delivery;
    mod dumps;
    mod guarantees;
    mod liveness;
    mod ownership;
    pub(crate) mod scene;
    mod stops;
}
