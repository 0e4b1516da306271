//! What operators stand on: alerts, dashboard, runbook, chart. Each name in them must be one that a running system has.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod chart;
mod declared;
mod runbook;
mod selectors;
mod served;
mod values;

use std::path::{Path, PathBuf};

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

/// A file of the project, from its root.
fn shipped(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project's root").to_owned()
}
