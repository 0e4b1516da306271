//! `tidegate migrate`.

use std::process::ExitCode;

use tidegate_scylla::{Replication, Schema, ScyllaOptions, agentping, commands, migrations};

use crate::assemble::commands::distributed;
use crate::assemble::distributed::wait_for_store;
use crate::config::Config;
use crate::console::Console;
use crate::failure::Failure;

/// Brings the keyspace of AgentPing and that of AgentGate up to date.
pub(super) async fn migrate(config: &Config, dry_run: bool, mut console: Console) -> Result<ExitCode, Failure> {
    let scylla = config.scylla()?;
    one(config, (&scylla.options, &scylla.replication), &agentping::SCHEMA, dry_run, Report::Always, &mut console)
        .await?;
    match usable_by_agentgate(config) {
        Ok(options) => {
            let servers = (&options, &scylla.replication);
            one(config, servers, &commands::SCHEMA, dry_run, Report::Changes, &mut console).await?;
        }
        // AgentPing does without.
        Err(why) => Console::errors().line(format_args!("AgentGate's keyspace is left out: {why}")),
    }
    Ok(ExitCode::SUCCESS)
}

/// The options of AgentGate's keyspace, if AgentGate can work by them.
fn usable_by_agentgate(config: &Config) -> Result<ScyllaOptions, Failure> {
    let options = distributed::scylla(config)?;
    commands::SCHEMA.check_options(&options).map_err(|error| Failure::config(error.to_string()).caused_by(error))?;
    Ok(options)
}

/// When a keyspace has a line of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Report {
    Always,
    /// Only where something was, or is to be, changed.
    Changes,
}

async fn one<S>(
    config: &Config,
    (options, replication): (&ScyllaOptions, &Replication),
    schema: &Schema<S>,
    dry_run: bool,
    report: Report,
    console: &mut Console,
) -> Result<(), Failure> {
    let (keyspace, region) = (&options.keyspace, config.region);
    let (found, word) = if dry_run {
        (wait_for_store(config, options, || migrations::pending(options, replication, schema)).await?, "would apply")
    } else {
        (wait_for_store(config, options, || migrations::apply(options, replication, schema)).await?, "applied")
    };
    for migration in &found.migrations {
        console.line(format_args!("{word} {:>4} {}", migration.version, migration.name));
    }
    if found.region {
        let word = if dry_run { "would record" } else { "recorded" };
        console.line(format_args!("{word} that keyspace {keyspace} holds data of region {region}"));
    }
    match found.migrations.len() {
        0 if !found.region && report == Report::Changes => {}
        0 if !found.region => console.line(format_args!("keyspace {keyspace} is up to date")),
        count if dry_run => console.line(format_args!("keyspace {keyspace}: {count} to apply; nothing was changed")),
        count => console.line(format_args!("keyspace {keyspace}: {count} applied")),
    }
    Ok(())
}
