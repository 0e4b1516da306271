//! The dashboard over HTTP, on the store in memory, under a clock that stands where it is put. Pages are read as a browser
//! without script reads them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod agents;
mod alerts;
mod assets;
mod empty;
mod escaping;
mod figures;
mod forms;
mod house;
mod incidents;
mod isolation;
mod long_run;
mod managed;
mod names_read;
mod outage;
mod overview;
mod reads;
mod run;
mod runs;
mod session;
mod settings;
mod spending;
mod spoken;
mod structure;
