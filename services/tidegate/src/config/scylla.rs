//! `[scylla]`: where the store is, on ScyllaDB or Cassandra.

use tidegate_kernel::Region;
use tidegate_scylla::{Consistency, Durability, Replication, ScyllaOptions};

use super::reader::{ConfigProblem, Reader};

/// The store of a distributed deployment.
#[derive(Clone, Debug)]
pub struct ScyllaConfig {
    pub options: ScyllaOptions,
    /// For a keyspace that is made; one that is there keeps its own.
    pub replication: Replication,
}

impl ScyllaConfig {
    /// What must hold on the servers, where these settings alone do not make acknowledged writes safe.
    pub fn warning(&self) -> Option<String> {
        let (replicas, consistency) = (self.replication.least(), self.options.consistency);
        let durability = Durability { replicas: Some(replicas), commitlog_sync: None, consistency };
        (!durability.is_replicated()).then(|| {
            format!(
                "scylla.replication makes {replicas} replicas and scylla.consistency is {consistency}: a node that is \
                 killed loses what it acknowledged last, unless commitlog_sync is batch or group there; 3 replicas \
                 and local_quorum need neither"
            )
        })
    }
}

/// `None` where no nodes are named; the other keys are checked all the same.
pub(super) fn read(reader: &mut Reader, region: Region) -> Option<ScyllaConfig> {
    let usual = ScyllaOptions::default();
    let nodes = reader.list("scylla.nodes", "a list of nodes such as scylla-1:9042", super::host_and_port);
    let own = format!("tidegate_{region}");
    let allowed = "1 to 48 small letters, digits and underscores, beginning with a letter";
    let keyspace = reader.formed("scylla.keyspace", &own, allowed, is_keyspace);
    let datacenter = reader.maybe("scylla.datacenter", "the name of a data centre", |_| true);
    let user = reader.maybe("scylla.user", "a user's name", |_| true);
    let password = reader.secret("scylla.password", "scylla.password_file");
    let allowed = "one, local_one, local_quorum, quorum or all";
    let word = |text: &str| text.parse::<Consistency>().is_ok();
    let consistency = reader.formed("scylla.consistency", "local_quorum", allowed, word);
    let allowed = "a number of replicas such as 3, or a number for each data centre such as dc1:3,dc2:3";
    let places = |text: &str| text.parse::<Replication>().is_ok();
    let replication = reader.formed("scylla.replication", "3", allowed, places);
    let user = match (user, password) {
        (Some(user), password) => Some((user, password.unwrap_or_default())),
        (None, None) => None,
        (None, Some(_)) => {
            let text = "scylla.password is set, and scylla.user is not: a password belongs to a user";
            reader.problem(ConfigProblem::nesting(text.to_owned()));
            None
        }
    };
    let options = ScyllaOptions {
        nodes,
        keyspace,
        region,
        datacenter,
        user,
        // Both were parsed once already.
        consistency: consistency.parse().unwrap_or_default(),
        connect_timeout: reader.millis("scylla.connect_timeout_ms", 5_000, 10..=600_000),
        request_timeout: reader.millis("scylla.request_timeout_ms", 5_000, 10..=600_000),
        retries: reader.whole("scylla.retries", u64::from(usual.retries), 0..=100) as u32,
        concurrency: reader.whole("scylla.concurrency", usual.concurrency as u64, 1..=65_536) as usize,
    };
    let replication = replication.parse().unwrap_or(Replication::Simple(3));
    (!options.nodes.is_empty()).then_some(ScyllaConfig { options, replication })
}

/// Whether this can name a keyspace.
pub fn is_keyspace(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 48 && name.bytes().all(plain) && name.starts_with(|first: char| first.is_ascii_lowercase())
}
