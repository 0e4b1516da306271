//! The dashboard in a real browser, on `tidegate dev`.
//!
//! Each test has a process and a browser of its own. After each, no page may have logged an error, opened a dialog or asked
//! another host for anything.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod agents;
mod changes;
mod first_run;
mod furniture;
mod hostile;
mod keyboard;
mod live;
mod looks;
mod routes;
mod run;
mod scene;
mod schedule;
mod session;
mod without_script;
