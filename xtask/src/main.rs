//! `cargo xtask`: the project's chores under one command.
//!
//! Each chore is a module of the library with a `command` of its own; this file only joins them,
//! prints the one-line error with its causes and chooses the exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, flights, kafka, plants, sim, test_kafka};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of the Surefoot project")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Measures Surefoot beside its baselines, on a broker of its own
    Bench(bench::Bench),
    /// Real flights through three processes that are killed, under each guarantee, counted twice
    Flights(flights::command::FlightsCommand),
    /// Runs Apache Kafka on this machine: nodes to start, hurt and stop, and Kafka's own tools
    #[command(subcommand)]
    Kafka(kafka::command::KafkaCommand),
    /// Plants known bugs in a copy of the engine; the judge must catch each
    Plants(plants::PlantsCommand),
    /// Runs seeds of the simulation, or replays one
    Sim(sim::Sim),
    /// Runs the tests that need Apache Kafka, and starts it for them
    TestKafka(test_kafka::TestKafkaCommand),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Bench(bench) => bench.run(),
        Chore::Flights(command) => command.run(),
        Chore::Kafka(command) => command.run(),
        Chore::Plants(command) => command.run(),
        Chore::Sim(sim) => sim.run(),
        Chore::TestKafka(command) => command.run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
