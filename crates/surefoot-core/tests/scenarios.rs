//! Scenarios: what the engine does, told through its inputs and outputs.

mod scenarios {
    mod harness;

    mod at_most_once;
    mod commits;
    mod controls;
    mod order;
    mod rebalance;
    mod starts;
    mod stopping;
}
