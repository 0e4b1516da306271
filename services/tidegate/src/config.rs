//! The configuration: one TOML file, `TIDEGATE_…` variables above it, flags above those; checked as a whole at
//! start, so that every mistake is named at once.

mod agentgate;
mod alerts;
mod checks;
mod kafka;
mod layers;
mod purpose;
mod reader;
mod redis;
mod scylla;
mod sections;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_admission::AdmissionConfig;
use tidegate_dashboard::SessionSecret;
use tidegate_door::ServeOptions;
use tidegate_ingest::IngestConfig;
use tidegate_kernel::Region;
use tidegate_persister::PersisterConfig;
use tidegate_redis::RedisOptions;
use tidegate_telemetry::LogSettings;

pub use agentgate::{AgentGateSection, key_of};
pub use alerts::AlertsSection;
pub use kafka::KafkaConfig;
pub use layers::{Layers, Source};
pub use purpose::Purpose;
pub use reader::{ConfigProblem, Effective};
pub use scylla::{ScyllaConfig, is_keyspace};

use purpose::Server;
use reader::Reader;

use crate::failure::Failure;

/// Everything that can be set, whole and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub region: Region,
    /// The embedded deployment's folder.
    pub data: PathBuf,
    /// How long a role waits at its start for servers that are not up yet.
    pub start_timeout: Duration,
    pub log: LogConfig,
    pub listen: SocketAddr,
    pub ingest: IngestConfig,
    pub control: ControlConfig,
    pub ops: OpsConfig,
    pub persister: PersisterConfig,
    pub admission: AdmissionConfig,
    pub agentgate: AgentGateSection,
    pub alerts: AlertsSection,
    /// The judge of schedules.
    pub pulse: tidegate_pulse::judge::JudgeOptions,
    /// Where the canary is sent; `None`: there is none.
    pub canary_url: Option<String>,
    /// Bytes of claims that the in-process gate holds at most.
    pub max_claim_bytes: usize,
    /// The three servers of a distributed deployment, those that are named.
    pub kafka: Option<KafkaConfig>,
    pub redis: Option<RedisOptions>,
    pub scylla: Option<ScyllaConfig>,
    pub telemetry: LogSettings,
    /// Each key with its value and where it came from, in the order of the sections.
    pub effective: Vec<Effective>,
}

/// The log and how long applied records stay on it.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// Of the embedded log, for a new folder; an existing one keeps its number.
    pub partitions: u32,
    pub retention_ms: u64,
    pub retention_bytes: u64,
    pub max_record_bytes: usize,
}

/// The read API.
#[derive(Clone, Debug)]
pub struct ControlConfig {
    pub listen: SocketAddr,
    pub serve: ServeOptions,
    pub store_deadline: Duration,
    pub max_answer_bytes_in_flight: usize,
    /// The address under which clients reach the front door: it is part of the calls that are shown with a new ping token.
    pub ingest_url: Option<String>,
    /// The dashboard's secret, which its replicas share; `None`: each start makes one, and sessions end with the process.
    pub session_secret: Option<SessionSecret>,
    /// Whether browsers send sessions of the dashboard over HTTPS only.
    pub secure_cookies: bool,
    /// Records in a sample of those that the accounts call stored; 0: no sample is taken.
    pub sample_records: u64,
}

/// The operations port.
#[derive(Clone, Copy, Debug)]
pub struct OpsConfig {
    /// The role's own, or else the one of all roles.
    pub listen: SocketAddr,
    /// The setting that names the address.
    pub key: &'static str,
    pub serve: ServeOptions,
    /// Roles that share a machine cannot share a port.
    of_roles: OpsOfRoles,
}

/// Where each role has its operations port, if that is not where all have it.
#[derive(Clone, Copy, Debug, Default)]
struct OpsOfRoles {
    ingest: Option<SocketAddr>,
    persister: Option<SocketAddr>,
    control: Option<SocketAddr>,
    agentgate: Option<SocketAddr>,
    decider: Option<SocketAddr>,
    pulse: Option<SocketAddr>,
}

impl OpsConfig {
    /// For the role that the configuration is read for.
    fn of(self, purpose: Purpose) -> Self {
        let OpsOfRoles { ingest, persister, control, agentgate, decider, pulse } = self.of_roles;
        let own = match purpose {
            Purpose::Ingest => ingest.map(|listen| (listen, "ingest.ops_listen")),
            Purpose::Persist => persister.map(|listen| (listen, "persister.ops_listen")),
            Purpose::Control => control.map(|listen| (listen, "control.ops_listen")),
            Purpose::AgentGate => agentgate.map(|listen| (listen, "agentgate.ops_listen")),
            Purpose::Decide => decider.map(|listen| (listen, "decider.ops_listen")),
            Purpose::Pulse => pulse.map(|listen| (listen, "pulse.ops_listen")),
            Purpose::Look | Purpose::Dev | Purpose::Topics | Purpose::Store | Purpose::Rebuild | Purpose::Manage => {
                None
            }
        };
        own.map_or(self, |(listen, key)| OpsConfig { listen, key, ..self })
    }
}

impl Config {
    /// Reads and checks all layers.
    ///
    /// # Errors
    /// Every [`ConfigProblem`] there is, in the order of the keys.
    pub fn from_layers(layers: Layers, purpose: Purpose) -> Result<Self, Vec<ConfigProblem>> {
        let mut reader = Reader::new(layers);
        let mut config = sections::read(&mut reader);
        let (effective, problems) = reader.finish();
        config.effective = effective;
        config.ops = config.ops.of(purpose);
        // The numbers are compared only once each of them is one.
        let problems = if problems.is_empty() { checks::check(&config, purpose) } else { problems };
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// The log's servers; roles that need them are checked for them when the configuration is read.
    ///
    /// # Errors
    /// None are named.
    pub fn kafka(&self) -> Result<&KafkaConfig, Failure> {
        self.kafka.as_ref().ok_or_else(|| Server::Kafka.unnamed())
    }

    /// The gate's server.
    ///
    /// # Errors
    /// None is named.
    pub fn redis(&self) -> Result<&RedisOptions, Failure> {
        self.redis.as_ref().ok_or_else(|| Server::Redis.unnamed())
    }

    /// The store's servers.
    ///
    /// # Errors
    /// None are named.
    pub fn scylla(&self) -> Result<&ScyllaConfig, Failure> {
        self.scylla.as_ref().ok_or_else(|| Server::Scylla.unnamed())
    }

    /// A key with its value and the source of that value, as the dump shows it.
    pub fn with_source(&self, key: &str) -> String {
        let known = self.effective.iter().find(|effective| effective.key == key);
        known.map_or_else(|| key.to_owned(), |one| format!("{key} = {} (from {})", one.shown(), one.source))
    }

    /// What a key holds, without secrets.
    pub fn shown(&self, key: &str) -> String {
        self.effective.iter().find(|effective| effective.key == key).map_or_else(String::new, Effective::shown)
    }

    /// Whether this key is set.
    pub fn is_set(&self, key: &str) -> bool {
        self.effective.iter().any(|effective| effective.key == key && effective.source != Source::Default)
    }

    /// The effective configuration as a TOML file would say it, with where each value came from; secrets redacted.
    pub fn dump(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for effective in &self.effective {
            let (of, name) = effective.key.split_once('.').unwrap_or(("", &effective.key));
            // Writing to a String cannot fail.
            if of != section {
                section = of;
                let _ = writeln!(text, "\n[{section}]");
            }
            let _ = writeln!(text, "{:<48} # {}", format!("{name} = {}", effective.shown()), effective.source);
        }
        text
    }
}

/// `host:port`; an IPv6 address is in brackets.
fn host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let named = !host.is_empty() && host.chars().all(plain);
    port.parse().is_ok_and(|port: u16| port > 0)
        && (named || bracketed.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()))
}

#[cfg(test)]
mod tests;
