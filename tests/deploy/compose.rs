//! `docker-compose.yml` as it is meant, with anchors and merges resolved.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The variable that says where AgentGate's secret is.
pub const SECRET_FILE: &str = "TIDEGATE_AGENTGATE__SECRET_FILE";

/// The project's root folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project's root").to_owned()
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The whole file; what is not here is not used in it.
#[derive(Debug, Deserialize)]
pub struct Compose {
    pub services: BTreeMap<String, Service>,
    pub volumes: BTreeMap<String, Option<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub image: String,
    pub build: Option<String>,
    pub restart: String,
    pub user: Option<String>,
    #[serde(default)]
    pub read_only: bool,
    #[serde(default)]
    pub cap_drop: Vec<String>,
    #[serde(default)]
    pub security_opt: Vec<String>,
    pub stop_grace_period: Option<String>,
    pub healthcheck: Option<Healthcheck>,
    #[serde(default)]
    pub command: Vec<String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    pub mem_limit: Option<String>,
    #[serde(default)]
    pub depends_on: BTreeMap<String, Dependency>,
    #[serde(default)]
    pub volumes: Vec<String>,
    #[serde(default)]
    pub ports: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Healthcheck {
    #[serde(default)]
    pub disable: bool,
    #[serde(default)]
    pub test: Vec<String>,
    pub interval: Option<String>,
    pub timeout: Option<String>,
    pub retries: Option<u32>,
    pub start_period: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    pub condition: String,
}

impl Compose {
    pub fn read() -> Self {
        serde_saphyr::from_str(&read("docker-compose.yml"))
            .unwrap_or_else(|error| panic!("docker-compose.yml: {error}"))
    }

    /// The services that run the program.
    pub fn ours(&self) -> BTreeMap<&str, &Service> {
        let ours = self.services.iter().filter(|(_, service)| service.build.is_some());
        ours.map(|(name, service)| (name.as_str(), service)).collect()
    }

    /// The names of the services that run the program with this command.
    pub fn running(&self, command: &[&str]) -> Vec<&str> {
        self.ours().into_iter().filter(|(_, service)| service.command == command).map(|(name, _)| name).collect()
    }

    #[track_caller]
    pub fn service(&self, name: &str) -> &Service {
        self.services.get(name).unwrap_or_else(|| panic!("docker-compose.yml has no service '{name}'"))
    }
}

impl Service {
    /// Whether it runs to its end and is not started again.
    pub fn runs_once(&self) -> bool {
        self.restart == "no"
    }

    /// The port of `TIDEGATE_<SECTION>__LISTEN`.
    #[track_caller]
    pub fn listens(&self, section: &str) -> &str {
        let address = &self.environment[&format!("TIDEGATE_{section}__LISTEN")];
        address.rsplit_once(':').unwrap_or_else(|| panic!("no port in {address}")).1
    }
}
