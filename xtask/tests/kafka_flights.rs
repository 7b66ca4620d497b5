//! The README's first command in small: flights through members that are killed, counted twice.

use anyhow::Result;
use xtask::flights::{Flights, Guarantee, Rows, Table};
use xtask::kafka::{ClusterOptions, ScratchCluster};
use xtask::programs::{Profile, Programs};
use xtask::python::Python;

#[test]
fn killed_members_keep_what_each_guarantee_promises_and_two_counts_agree() -> Result<()> {
    let programs = Programs::build(Profile::Dev)?;
    let python = Python::find()?;
    let cluster = ScratchCluster::up(&ClusterOptions::default())?;
    let directory = tempfile::TempDir::new()?;
    let flights = Flights {
        programs: &programs,
        python: &python,
        bootstrap: &cluster.bootstrap(),
        topic: "flights",
        directory: &directory.path().join("histories"),
    };
    let csv = directory.path().join("flights.csv");
    "15000".parse::<Rows>()?.write(&python, &csv)?;
    flights.produce(&csv)?;
    let outcomes =
        [flights.consume(Guarantee::AtLeastOnce, 4)?, flights.consume(Guarantee::AtMostOnce, 4)?];
    eprintln!("{}", Table(&outcomes));
    for outcome in outcomes {
        assert_eq!(outcome.complaints, [""; 0], "{}", outcome.guarantee);
    }
    Ok(())
}
