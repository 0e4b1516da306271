//! The durability of acknowledged writes: nodes sync before they acknowledge, or enough of them have a copy.

use std::collections::HashMap;
use std::fmt;

use scylla::client::session::Session;

use crate::options::Consistency;

/// Cassandra's table of settings, and ScyllaDB's.
const SYNC_MODES: [&str; 2] = [
    "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'",
    "SELECT value FROM system.config WHERE name = 'commitlog_sync'",
];
const REPLICATION: &str = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";

/// How a keyspace's acknowledged writes survive the crash of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// Copies of every row in the data centre with the fewest; `None` if that cannot be read.
    pub replicas: Option<u32>,
    /// The `commitlog_sync` of the queried node; `None` if it does not report it.
    pub commitlog_sync: Option<String>,
    pub consistency: Consistency,
}

impl Durability {
    /// Reads the settings. Those that cannot be read are `None`.
    pub(crate) async fn read(session: &Session, keyspace: &str, consistency: Consistency) -> Self {
        let mut commitlog_sync = None;
        for text in SYNC_MODES {
            if let Some(found) = value(session, text).await {
                commitlog_sync = Some(found.trim_matches('"').to_lowercase());
                break;
            }
        }
        Durability { replicas: replicas(session, keyspace).await, commitlog_sync, consistency }
    }

    /// Whether a node syncs before it acknowledges.
    pub fn syncs_first(&self) -> bool {
        self.commitlog_sync.as_deref().is_some_and(|mode| mode == "batch" || mode == "group")
    }

    /// Whether a write that one node loses is on other nodes that a read queries.
    pub fn is_replicated(&self) -> bool {
        let quorum = matches!(self.consistency, Consistency::LocalQuorum | Consistency::Quorum | Consistency::All);
        quorum && self.replicas.is_some_and(|replicas| replicas >= 3)
    }

    /// Advice for the operator if neither holds.
    pub fn warning(&self) -> Option<String> {
        if self.syncs_first() || self.is_replicated() {
            return None;
        }
        Some(format!(
            "{self}: a node that is killed loses what it acknowledged in its last seconds; persisters notice that and \
             read it again from the log, but keys, tokens and teams made then are gone; set commitlog_sync to batch or \
             group, or use 3 replicas and scylla.consistency local_quorum"
        ))
    }
}

/// `commitlog_sync is periodic, 1 replica, consistency local_quorum`.
impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = self.commitlog_sync.as_deref().unwrap_or("not known");
        write!(f, "commitlog_sync is {mode}, ")?;
        match self.replicas {
            Some(1) => f.write_str("1 replica")?,
            Some(replicas) => write!(f, "{replicas} replicas")?,
            None => f.write_str("replicas not known")?,
        }
        write!(f, ", consistency {}", self.consistency)
    }
}

async fn value(session: &Session, text: &str) -> Option<String> {
    // Cassandra and ScyllaDB have different tables; the other one is missing.
    let query = session.prepare(text).await.ok()?;
    let rows = session.execute_unpaged(&query, ()).await.ok()?.into_rows_result().ok()?;
    rows.maybe_first_row::<(Option<String>,)>().ok()?.and_then(|(value,)| value)
}

async fn replicas(session: &Session, keyspace: &str) -> Option<u32> {
    let query = session.prepare(REPLICATION).await.ok()?;
    let rows = session.execute_unpaged(&query, (keyspace,)).await.ok()?.into_rows_result().ok()?;
    let (replication,) = rows.maybe_first_row::<(HashMap<String, String>,)>().ok()??;
    least_replicas(&replication)
}

/// Copies in the data centre with the fewest. A value may have transient replicas after a slash (Cassandra).
fn least_replicas(replication: &HashMap<String, String>) -> Option<u32> {
    let counts = replication.iter().filter(|(name, _)| *name != "class").map(|(_, count)| {
        let full = count.split('/').next().unwrap_or_default();
        full.parse::<u32>().ok()
    });
    counts.collect::<Option<Vec<_>>>()?.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(replicas: Option<u32>, mode: Option<&str>, consistency: Consistency) -> Durability {
        Durability { replicas, commitlog_sync: mode.map(str::to_owned), consistency }
    }

    #[test]
    fn one_of_both_is_enough_and_neither_is_warned_of() {
        use Consistency::{All, LocalOne, LocalQuorum, One, Quorum};
        for fine in [
            of(Some(1), Some("batch"), LocalQuorum),
            of(Some(1), Some("group"), One),
            of(Some(3), Some("periodic"), LocalQuorum),
            of(Some(5), None, Quorum),
            of(Some(3), None, All),
        ] {
            assert_eq!(fine.warning(), None, "{fine}");
        }
        for bad in [
            of(Some(1), Some("periodic"), LocalQuorum),
            of(Some(1), None, LocalQuorum),
            of(Some(2), Some("periodic"), All),
            of(Some(3), Some("periodic"), LocalOne),
            of(None, Some("periodic"), LocalQuorum),
        ] {
            let warning = bad.warning().expect("a warning");
            assert!(warning.starts_with(&bad.to_string()) && warning.contains("commitlog_sync to batch"), "{warning}");
        }
        let shown = of(Some(1), Some("periodic"), LocalQuorum).to_string();
        assert_eq!(shown, "commitlog_sync is periodic, 1 replica, consistency local_quorum");
    }

    #[test]
    fn replicas_are_those_of_the_poorest_data_centre() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<HashMap<_, _>>()
        };
        let simple = map(&[("class", "org.apache.cassandra.locator.SimpleStrategy"), ("replication_factor", "3")]);
        assert_eq!(least_replicas(&simple), Some(3));
        let two = map(&[("class", "NetworkTopologyStrategy"), ("dc1", "3"), ("dc2", "2/1")]);
        assert_eq!(least_replicas(&two), Some(2));
        assert_eq!(least_replicas(&map(&[("class", "LocalStrategy")])), None);
        assert_eq!(least_replicas(&map(&[("class", "Other"), ("dc1", "many")])), None);
    }
}
