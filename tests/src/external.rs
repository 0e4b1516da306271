//! A deployment that is there already, described in a TOML file that `TIDEGATE_TARGET` names.
//!
//! ```toml
//! ingest = ["http://10.0.0.5:8080", "http://10.0.0.6:8080"]   # front doors, used in turn
//! agentgate = ["http://10.0.0.8:8082"]                        # optional: AgentGate's front doors
//! control = "http://10.0.0.7:8081"
//! ops = ["http://10.0.0.5:9090", "http://10.0.0.6:9090"]      # all instances: metrics are summed
//! region = "eu"
//! manage = ["tidegate", "--config", "deployment.toml"]        # the words before `teams create ...`
//! kill = ["./stack", "kill"]                                  # optional: ends every instance at once
//! start = ["./stack", "start"]                                # optional: brings them up again
//! stop = ["./stack", "stop"]                                  # optional: ends every instance in order
//! ```
//!
//! Tests that restart the target or move its clock then run alone: everything else waits.

use std::process::Command;

use serde::Deserialize;

/// The file's contents.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    pub ingest: Vec<String>,
    #[serde(default)]
    pub agentgate: Vec<String>,
    pub control: String,
    pub ops: Vec<String>,
    pub region: String,
    pub manage: Vec<String>,
    #[serde(default)]
    pub kill: Vec<String>,
    #[serde(default)]
    pub start: Vec<String>,
    #[serde(default)]
    pub stop: Vec<String>,
}

/// The suites' own variables. Whatever a suite starts must not inherit them: Tidegate reads every `TIDEGATE_…`
/// variable as configuration, and refuses those it does not know.
const OWN_VARIABLES: [&str; 2] = ["TIDEGATE_TARGET", "TIDEGATE_SEED"];
/// Variables of the real stack and of the tests that use it.
const OWN_PREFIXES: [&str; 2] = ["TIDEGATE_STACK_", "TIDEGATE_TEST_"];

/// Keeps the suites' own variables from a command.
pub fn without_own_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OWN_VARIABLES.contains(&&*text) || OWN_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
}

impl External {
    /// The target that the environment names, if it names one.
    ///
    /// # Panics
    /// If the file cannot be read, or lacks something.
    pub fn from_environment() -> Option<Self> {
        let path = std::env::var_os("TIDEGATE_TARGET")?;
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("TIDEGATE_TARGET {path:?}: {error}"));
        let external: External =
            toml::from_str(&text).unwrap_or_else(|error| panic!("TIDEGATE_TARGET {path:?}: {error}"));
        assert!(
            !external.ingest.is_empty() && !external.ops.is_empty() && !external.manage.is_empty(),
            "{path:?} has empty lists"
        );
        Some(external)
    }
}
