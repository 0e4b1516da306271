//! The limit on open files. Connections of clients must never take the last ones: a process that cannot open its own
//! connections to Redis, Kafka and the store any more does not come back when they do.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::{Config, Purpose};

/// Files that a process needs for itself: files of the data folder, connections to Redis, the brokers and the store's
/// nodes, sockets that are closing.
const OWN: u64 = 256;

/// Fewer connections than this do not make a port.
const LEAST: usize = 8;

/// The connections that a configuration allows, and the limit on open files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    /// Connections of clients, over all ports of the process.
    pub connections: u64,
    /// As many may be open; `u64::MAX` without a limit.
    pub limit: u64,
}

impl OpenFiles {
    /// Raises the process's own limit as far as the configuration wants and the system lets it.
    pub fn of(config: &Config, purpose: Purpose) -> Self {
        let connections = connections(config, purpose);
        let wanted = connections + OWN;
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let (soft, hard) = (current.unwrap_or(u64::MAX), maximum.unwrap_or(u64::MAX));
        let raised = wanted.min(hard);
        let is_raised = soft < raised && setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }).is_ok();
        OpenFiles { connections, limit: if is_raised { raised } else { soft } }
    }

    const fn wanted(self) -> u64 {
        self.connections + OWN
    }

    /// Of the limit, what clients may have.
    fn for_clients(self) -> u64 {
        self.limit - OWN.min(self.limit / 2)
    }

    /// What an operator should know, if the limit is too low.
    pub fn warning(self) -> Option<String> {
        (self.limit < self.wanted()).then(|| {
            format!(
                "at most {} files can be open, and this configuration wants {}: {} connections of clients \
                 (max_connections of each port) and {OWN} for itself; clients get {} connections until the hard limit \
                 is raised (ulimit -Hn, LimitNOFILE= of systemd, --ulimit nofile= of Docker) or max_connections lowered",
                self.limit,
                self.wanted(),
                self.connections,
                self.for_clients(),
            )
        })
    }

    /// So many connections of a port's `max_connections`.
    fn share(self, max_connections: usize) -> usize {
        if self.limit >= self.wanted() {
            return max_connections;
        }
        let share = u128::from(self.for_clients()) * max_connections as u128 / u128::from(self.connections.max(1));
        usize::try_from(share).unwrap_or(usize::MAX).clamp(LEAST.min(max_connections), max_connections)
    }

    /// The configuration with no more connections than the limit leaves to clients.
    pub fn fit(self, mut config: Config) -> Config {
        let agentgate = &mut config.agentgate.api.serve;
        for serve in [&mut config.ingest.serve, &mut config.control.serve, agentgate, &mut config.ops.serve] {
            serve.max_connections = self.share(serve.max_connections);
        }
        config
    }
}

/// Connections of clients to the ports that such a process has. What is only looked at may run as any of them.
fn connections(config: &Config, purpose: Purpose) -> u64 {
    let of_listeners = [&config.ingest.serve, &config.control.serve, &config.agentgate.api.serve, &config.ops.serve];
    let [ingest, control, agentgate, ops] = of_listeners.map(|serve| serve.max_connections as u64);
    let is_distributed = config.kafka.is_some() || config.redis.is_some() || config.scylla.is_some();
    match purpose {
        Purpose::Dev => ingest + control + agentgate + ops,
        Purpose::Ingest => ingest + ops,
        Purpose::Control => control + ops,
        Purpose::AgentGate => agentgate + ops,
        Purpose::Persist | Purpose::Decide | Purpose::Pulse => ops,
        Purpose::Look if is_distributed => ingest.max(control).max(agentgate) + ops,
        Purpose::Look => ingest + control + agentgate + ops,
        Purpose::Topics | Purpose::Store | Purpose::Rebuild | Purpose::Manage => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    fn usual() -> Config {
        Config::from_layers(Layers::default(), Purpose::Dev).unwrap()
    }

    #[test]
    fn clients_never_take_the_last_files() {
        let connections = connections(&usual(), Purpose::Dev);
        assert_eq!(connections, 4_096 + 1_024 + 1_024 + 128);
        for (limit, warns) in [(64, true), (256, true), (1_024, true), (6_527, true), (6_528, false), (u64::MAX, false)]
        {
            let files = OpenFiles { connections, limit };
            assert_eq!(files.warning().is_some(), warns, "{limit}");
            let fitted = files.fit(usual());
            let ports = [fitted.ingest.serve, fitted.control.serve, fitted.agentgate.api.serve, fitted.ops.serve]
                .map(|serve| serve.max_connections);
            let all: usize = ports.iter().sum();
            assert!(ports.iter().all(|port| *port >= LEAST), "{limit}: {ports:?}");
            assert!((all as u64) <= limit - OWN.min(limit / 2) + 2 * LEAST as u64, "{limit}: {ports:?}");
            assert_eq!(all as u64 == connections, !warns, "{limit}: {ports:?}");
        }
    }

    #[test]
    fn each_role_wants_what_its_ports_take() {
        let config = usual();
        for (purpose, wanted) in [
            (Purpose::Ingest, 4_096 + 128),
            (Purpose::Control, 1_024 + 128),
            (Purpose::Persist, 128),
            (Purpose::AgentGate, 1_024 + 128),
            (Purpose::Decide, 128),
            (Purpose::Pulse, 128),
            (Purpose::Look, 4_096 + 1_024 + 1_024 + 128),
            (Purpose::Manage, 0),
        ] {
            assert_eq!(connections(&config, purpose), wanted, "{purpose:?}");
        }
    }
}
