//! Commands that are run and reported, against a server of the tests' own.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod codes;
mod front_door;
mod outages;
mod outputs;
mod program_run;
mod reports;
mod signalling;
