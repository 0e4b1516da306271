//! The worker against a server of the tests' own, with real commands.

mod examples;
mod outages;
mod outputs;
mod processes;
mod reports;
mod server;
mod slots;
mod stopping;
mod worker;
