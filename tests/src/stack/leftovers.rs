//! What a deployment leaves on the stack is removed by a process of its own that outlives the test: it waits until
//! its standard input closes, which happens however a test run ends.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Addresses, Settings};
use crate::external::without_own_variables;

/// Holds the sweeper back.
#[derive(Debug)]
pub struct Leftovers {
    _sweeper: Child,
}

impl Leftovers {
    /// Starts the sweeper of a deployment: the program under test with `--sweep`.
    pub fn watched(binary: &Path, settings: &Settings, stack: &Addresses) -> Self {
        let mut command = Command::new(binary);
        command.arg("--sweep").args([&settings.prefix(), &settings.keyspace()]);
        // What it has of its own goes by itself; a way to the store that leads through the test goes with the test.
        command.args([settings.kafka.as_ref().unwrap_or(&stack.kafka), &stack.cql, &stack.redis]);
        without_own_variables(&mut command);
        // What ends the test run from the keyboard must not end this.
        command.process_group(0);
        // Its output has no reader once the test run is over.
        let sweeper = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Leftovers { _sweeper: sweeper.unwrap_or_else(|error| panic!("{}: {error}", binary.display())) }
    }
}
