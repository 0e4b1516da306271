//! The keyspace that is filled.

use tidegate_scylla::{Schema, ScyllaOptions, is_empty, migrations};

use crate::assemble::distributed::wait_for_store;
use crate::config::{Config, is_keyspace};
use crate::failure::Failure;

/// Makes and migrates the new keyspace, and checks that it is empty. `live` is the product's own, which `key` of the
/// configuration names.
///
/// # Errors
/// It cannot be made, is the live one, or holds something.
pub async fn make<S>(
    config: &Config,
    into: &str,
    (live, key): (&ScyllaOptions, &str),
    schema: &Schema<S>,
) -> Result<ScyllaOptions, Failure> {
    let options = named(config, into, (live, key))?;
    wait_for_store(config, live, || migrations::check_region(live, schema)).await?;
    let replication = &config.scylla()?.replication;
    wait_for_store(config, &options, || migrations::apply(&options, replication, schema)).await?;
    if !is_empty(&options, schema).await? {
        let full = Failure::refused(format!("--into {into}: that keyspace holds something already"));
        return Err(full.or_else("name a new one, or drop it first"));
    }
    Ok(options)
}

/// The options of a keyspace of this name, which is not the live one.
///
/// # Errors
/// It names no keyspace, or the live one.
pub fn named(config: &Config, into: &str, (live, key): (&ScyllaOptions, &str)) -> Result<ScyllaOptions, Failure> {
    if !is_keyspace(into) {
        return Err(Failure::config(format!("--into {into:?} names no keyspace"))
            .hint("give 1 to 48 small letters, digits and underscores, a letter first"));
    }
    if into == live.keyspace {
        let live = config.with_source(key);
        return Err(Failure::config(format!("--into {into} is the live keyspace ({live})")).hint("name a new one"));
    }
    if into == config.scylla()?.options.keyspace {
        return Err(Failure::config(format!("--into {into} is AgentPing's keyspace")).hint("name a new one"));
    }
    Ok(ScyllaOptions { keyspace: into.to_owned(), ..live.clone() })
}
