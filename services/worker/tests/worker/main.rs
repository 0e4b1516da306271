//! The worker against a server of the tests' own, with real commands.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod examples;
mod outages;
mod outputs;
mod processes;
mod reports;
mod server;
mod slots;
mod stopping;
mod worker;
