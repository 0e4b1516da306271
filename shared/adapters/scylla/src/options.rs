//! Options of the connection to the cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tidegate_kernel::Region;

/// A cluster, one of its keyspaces, timeouts and retries.
#[derive(Clone)]
pub struct ScyllaOptions {
    /// `host:port` of some nodes; the driver discovers the others.
    pub nodes: Vec<String>,
    /// The keyspace's name: 1 to 48 of `a-z`, `0-9` and `_`, a letter first.
    pub keyspace: String,
    /// The region of the data. A keyspace of another region is refused.
    pub region: Region,
    /// Requests go to this data centre's nodes first.
    pub datacenter: Option<String>,
    /// User name and password, if the cluster requires them.
    pub user: Option<(String, String)>,
    pub consistency: Consistency,
    pub connect_timeout: Duration,
    /// Timeout of one attempt.
    pub request_timeout: Duration,
    /// How many times a failed request that may be repeated is sent again, with a growing pause between.
    pub retries: u32,
    /// How many runs, or rows of different partitions, of one call are processed concurrently.
    pub concurrency: usize,
}

impl Default for ScyllaOptions {
    fn default() -> Self {
        ScyllaOptions {
            nodes: vec!["127.0.0.1:9042".into()],
            keyspace: "tidegate".into(),
            region: Region::Eu,
            datacenter: None,
            user: None,
            consistency: Consistency::default(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(5),
            retries: 3,
            concurrency: 64,
        }
    }
}

/// Without the password.
impl fmt::Debug for ScyllaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScyllaOptions")
            .field("nodes", &self.nodes)
            .field("keyspace", &self.keyspace)
            .field("region", &self.region)
            .field("datacenter", &self.datacenter)
            .field("user", &self.user.as_ref().map(|_| "…"))
            .field("consistency", &self.consistency)
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("retries", &self.retries)
            .field("concurrency", &self.concurrency)
            .finish()
    }
}

/// How many replicas must answer a read, and acknowledge a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    One,
    LocalOne,
    #[default]
    LocalQuorum,
    Quorum,
    All,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    #[error("'{0}' is no consistency: use one, local_one, local_quorum, quorum or all")]
    Consistency(String),
    #[error("'{0}' is no replication: write a number of replicas, or some per data centre as in 'dc1:3,dc2:3'")]
    Replication(String),
    #[error("'{0}' is no keyspace name: use 1 to 48 of a-z, 0-9 and _, a letter first")]
    Keyspace(String),
    #[error(
        "keyspace '{keyspace}' holds decisions, so every read and write is a quorum: scylla.consistency is {found}, set it to local_quorum"
    )]
    NoQuorum { keyspace: String, found: Consistency },
}

impl Consistency {
    /// Whether it is a majority of replicas: each read then overlaps each write, and one lost node stops neither.
    pub(crate) const fn is_quorum(self) -> bool {
        matches!(self, Consistency::LocalQuorum | Consistency::Quorum)
    }
}

impl FromStr for Consistency {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "one" => Ok(Consistency::One),
            "local_one" => Ok(Consistency::LocalOne),
            "local_quorum" => Ok(Consistency::LocalQuorum),
            "quorum" => Ok(Consistency::Quorum),
            "all" => Ok(Consistency::All),
            _ => Err(OptionError::Consistency(text.to_owned())),
        }
    }
}

/// The form in settings.
impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Consistency::One => "one",
            Consistency::LocalOne => "local_one",
            Consistency::LocalQuorum => "local_quorum",
            Consistency::Quorum => "quorum",
            Consistency::All => "all",
        })
    }
}

/// The replication of a new keyspace. An existing keyspace keeps its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replication {
    /// The number of replicas, for a cluster with one data centre.
    Simple(u32),
    /// The number of replicas in each of these data centres.
    PerDatacenter(BTreeMap<String, u32>),
}

impl Replication {
    /// Copies of every row in the data centre with the fewest.
    pub fn least(&self) -> u32 {
        match self {
            Replication::Simple(replicas) => *replicas,
            Replication::PerDatacenter(replicas) => replicas.values().copied().min().unwrap_or(0),
        }
    }

    /// The map for `CREATE KEYSPACE`. Names of data centres were checked when parsed.
    pub(crate) fn to_cql(&self) -> String {
        match self {
            Replication::Simple(replicas) => {
                format!("{{'class': 'SimpleStrategy', 'replication_factor': {replicas}}}")
            }
            Replication::PerDatacenter(replicas) => {
                let each: String = replicas
                    .iter()
                    .map(|(name, replicas)| format!(", '{}': {replicas}", name.replace('\'', "''")))
                    .collect();
                format!("{{'class': 'NetworkTopologyStrategy'{each}}}")
            }
        }
    }
}

/// The form in a configuration.
impl fmt::Display for Replication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Replication::Simple(replicas) => replicas.fmt(f),
            Replication::PerDatacenter(replicas) => {
                let each: Vec<String> = replicas.iter().map(|(name, count)| format!("{name}:{count}")).collect();
                f.write_str(&each.join(","))
            }
        }
    }
}

impl FromStr for Replication {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let error = || OptionError::Replication(text.to_owned());
        let count = |digits: &str| digits.trim().parse::<u32>().ok().filter(|replicas| *replicas > 0);
        if let Some(replicas) = count(text) {
            return Ok(Replication::Simple(replicas));
        }
        let mut per_datacenter = BTreeMap::new();
        for part in text.split(',') {
            let (name, replicas) = part.split_once(':').ok_or_else(error)?;
            let name = name.trim();
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            if name.is_empty() || !name.chars().all(plain) {
                return Err(error());
            }
            per_datacenter.insert(name.to_owned(), count(replicas).ok_or_else(error)?);
        }
        Ok(Replication::PerDatacenter(per_datacenter))
    }
}

/// Checks a keyspace's name. It is inserted in statements without quotes, so it must be a plain name.
pub(crate) fn check_keyspace(name: &str) -> Result<(), OptionError> {
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if first && rest && name.len() <= 48 { Ok(()) } else { Err(OptionError::Keyspace(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::{Consistency, Replication, ScyllaOptions, check_keyspace};

    #[test]
    fn replications_are_read() {
        for (text, cql) in [
            ("3", "{'class': 'SimpleStrategy', 'replication_factor': 3}"),
            ("eu-1:3", "{'class': 'NetworkTopologyStrategy', 'eu-1': 3}"),
            ("b:2, a:3", "{'class': 'NetworkTopologyStrategy', 'a': 3, 'b': 2}"),
        ] {
            assert_eq!(text.parse::<Replication>().expect(text).to_cql(), cql);
        }
        for text in ["", "0", "x", "dc:", ":3", "d'c:3", "a:3,"] {
            assert!(text.parse::<Replication>().is_err(), "{text}");
        }
    }

    #[test]
    fn keyspaces_are_plain_names() {
        for name in ["tidegate_eu", "a", "x9"] {
            assert!(check_keyspace(name).is_ok(), "{name}");
        }
        for name in ["", "9a", "A", "a b", "a;b", "a\"b", &"a".repeat(49)] {
            assert!(check_keyspace(name).is_err(), "{name}");
        }
    }

    #[test]
    fn words_of_consistency() {
        assert_eq!("local_quorum".parse(), Ok(Consistency::default()));
        assert!("LOCAL".parse::<Consistency>().is_err());
    }

    #[test]
    fn a_password_is_never_shown() {
        let options = ScyllaOptions { user: Some(("name".into(), "secret".into())), ..ScyllaOptions::default() };
        let shown = format!("{options:?}");
        assert!(!shown.contains("secret") && !shown.contains("\"name\""), "{shown}");
    }
}
