//! Compares a keyspace's replication with the configured one.

use std::collections::BTreeMap;
use std::fmt;

use scylla::client::session::Session;
use tidegate_ports::StoreError;

use super::{MigrationError, ddl};
use crate::failure::unreadable;
use crate::options::Replication;

/// The replication of a keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Known(Replication),
    /// A strategy that the configuration cannot express.
    Other(BTreeMap<String, String>),
}

/// Reads the keyspace's replication; `None` if there is no such keyspace.
pub(crate) async fn found(session: &Session, keyspace: &str) -> Result<Option<Found>, StoreError> {
    let text = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";
    let rows = ddl::rows(session, text, (keyspace,)).await?;
    let row = rows.maybe_first_row::<(BTreeMap<String, String>,)>();
    Ok(row.map_err(|error| unreadable("the keyspace's replication", error))?.map(|(map,)| Found::of(map)))
}

/// Refuses a keyspace whose replication differs from the wanted one. It is never altered: new copies need a repair, and
/// only the cluster's operator can decide when to run it.
pub(super) async fn check(session: &Session, keyspace: &str, wanted: &Replication) -> Result<(), MigrationError> {
    match found(session, keyspace).await? {
        Some(found) if !found.is(wanted) => Err(MigrationError::Replication {
            keyspace: keyspace.to_owned(),
            found: found.to_string(),
            wanted: wanted.to_string(),
            map: wanted.to_cql(),
        }),
        _ => Ok(()),
    }
}

impl Found {
    fn of(map: BTreeMap<String, String>) -> Self {
        let class = map.get("class").map_or("", |class| class.rsplit('.').next().unwrap_or_default());
        let others = map.iter().filter(|(name, _)| *name != "class");
        let counts: Option<BTreeMap<String, u32>> =
            others.map(|(name, count)| Some((name.clone(), count.parse().ok()?))).collect();
        match (class, counts) {
            ("SimpleStrategy", Some(counts)) if counts.len() == 1 => {
                Found::Known(Replication::Simple(counts.into_values().sum()))
            }
            ("NetworkTopologyStrategy", Some(counts)) if !counts.is_empty() => {
                Found::Known(Replication::PerDatacenter(counts))
            }
            _ => Found::Other(map),
        }
    }

    /// Whether the replication is as wanted. A plain number also accepts one data centre with that number of replicas.
    fn is(&self, wanted: &Replication) -> bool {
        match (self, wanted) {
            (Found::Known(found), wanted) if found == wanted => true,
            (Found::Known(Replication::PerDatacenter(found)), Replication::Simple(wanted)) => {
                found.len() == 1 && found.values().eq([wanted])
            }
            _ => false,
        }
    }

    /// Whether rows have more than one copy, so that a read may reach a node without a write that another one
    /// acknowledged.
    pub(crate) fn has_copies(&self) -> bool {
        match self {
            Found::Known(Replication::Simple(replicas)) => *replicas > 1,
            Found::Known(Replication::PerDatacenter(replicas)) => replicas.values().sum::<u32>() > 1,
            Found::Other(_) => true,
        }
    }
}

/// The form of the setting `scylla.replication`.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Known(replication) => replication.fmt(f),
            Found::Other(map) => {
                let parts: Vec<String> = map.iter().map(|(name, value)| format!("{name} {value}")).collect();
                f.write_str(&parts.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &[(&str, &str)]) -> Found {
        Found::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_a_keyspace_has_is_read_and_compared() {
        let simple = ("class", "org.apache.cassandra.locator.SimpleStrategy");
        let topology = ("class", "org.apache.cassandra.locator.NetworkTopologyStrategy");
        for (pairs, wanted, fits, shown) in [
            (&[simple, ("replication_factor", "1")][..], "1", true, "1"),
            (&[simple, ("replication_factor", "1")], "3", false, "1"),
            (&[topology, ("dc1", "3")], "3", true, "dc1:3"),
            (&[topology, ("dc1", "3")], "dc1:3", true, "dc1:3"),
            (&[topology, ("dc1", "3"), ("dc2", "2")], "dc1:3,dc2:3", false, "dc1:3,dc2:2"),
            (&[topology, ("dc1", "3"), ("dc2", "3")], "3", false, "dc1:3,dc2:3"),
            (&[simple, ("replication_factor", "3")], "dc1:3", false, "3"),
            (
                &[topology, ("dc1", "3/1")],
                "3",
                false,
                "class org.apache.cassandra.locator.NetworkTopologyStrategy, dc1 3/1",
            ),
        ] {
            let found = found(pairs);
            assert_eq!((found.is(&wanted.parse().unwrap()), found.to_string().as_str()), (fits, shown), "{wanted}");
        }
        assert!(!found(&[simple, ("replication_factor", "1")]).has_copies());
        assert!(found(&[topology, ("dc1", "1"), ("dc2", "1")]).has_copies());
    }
}
