//! What a configuration is read for: which servers must be named, and which listeners one process opens.

use crate::failure::Failure;

/// A command, as far as its configuration goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `check-config`: all servers or none.
    Look,
    /// `dev`: none.
    Dev,
    /// `ingest`.
    Ingest,
    /// `persist`.
    Persist,
    /// `control`.
    Control,
    /// `agentgate serve`.
    AgentGate,
    /// `decide`.
    Decide,
    /// `pulse`.
    Pulse,
    /// `topics`: the log alone.
    Topics,
    /// `migrate`, `compare`: the store alone.
    Store,
    /// `rebuild`: reads the log, writes a store.
    Rebuild,
    /// Teams, keys, tokens, rates: the store where one is named, else the data folder.
    Manage,
}

/// A server that a distributed deployment names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Kafka,
    Redis,
    Scylla,
}

impl Server {
    pub const ALL: [Server; 3] = [Server::Kafka, Server::Redis, Server::Scylla];

    /// The key that names it, and an example of how.
    pub const fn key(self) -> (&'static str, &'static str) {
        match self {
            Server::Kafka => ("kafka.brokers", "TIDEGATE_KAFKA__BROKERS=127.0.0.1:9092"),
            Server::Redis => ("redis.urls", "TIDEGATE_REDIS__URLS=redis://127.0.0.1:6379"),
            Server::Scylla => ("scylla.nodes", "TIDEGATE_SCYLLA__NODES=127.0.0.1:9042"),
        }
    }

    /// The server is needed and not named.
    pub fn unnamed(self) -> Failure {
        let (key, example) = self.key();
        Failure::config(format!("{key} is not set")).or_else(format!("for example {example}"))
    }
}

impl Purpose {
    /// The command, as errors name it.
    pub const fn command(self) -> &'static str {
        match self {
            Purpose::Look => "tidegate check-config",
            Purpose::Dev => "tidegate dev",
            Purpose::Ingest => "tidegate ingest",
            Purpose::Persist => "tidegate persist",
            Purpose::Control => "tidegate control",
            Purpose::AgentGate => "tidegate agentgate serve",
            Purpose::Decide => "tidegate decide",
            Purpose::Pulse => "tidegate pulse",
            Purpose::Topics => "tidegate topics",
            Purpose::Store => "this command",
            Purpose::Rebuild => "tidegate rebuild",
            Purpose::Manage => "a management command",
        }
    }

    /// What it cannot do without.
    pub(super) const fn needs(self) -> &'static [Server] {
        match self {
            Purpose::Look | Purpose::Dev | Purpose::Manage => &[],
            Purpose::Ingest | Purpose::AgentGate => &[Server::Kafka, Server::Redis, Server::Scylla],
            Purpose::Persist | Purpose::Decide | Purpose::Pulse | Purpose::Rebuild => &[Server::Kafka, Server::Scylla],
            Purpose::Control | Purpose::Store => &[Server::Scylla],
            Purpose::Topics => &[Server::Kafka],
        }
    }

    /// The listeners that it opens.
    pub(super) const fn listens(self) -> &'static [&'static str] {
        match self {
            Purpose::Look | Purpose::Dev => &["ingest.listen", "control.listen", "agentgate.listen", "ops.listen"],
            Purpose::Ingest => &["ingest.listen", "ops.listen"],
            Purpose::Control => &["control.listen", "ops.listen"],
            Purpose::AgentGate => &["agentgate.listen", "ops.listen"],
            Purpose::Persist
            | Purpose::Decide
            | Purpose::Pulse
            | Purpose::Topics
            | Purpose::Store
            | Purpose::Rebuild
            | Purpose::Manage => &[],
        }
    }
}
