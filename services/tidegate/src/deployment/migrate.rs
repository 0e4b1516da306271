//! `tidegate migrate`.

use std::process::ExitCode;

use tidegate_scylla::migrations;

use crate::assemble::distributed::wait_for_store;
use crate::config::Config;
use crate::page::Page;

pub(super) async fn migrate(config: &Config, dry_run: bool, mut page: Page) -> Result<ExitCode, String> {
    let scylla = config.scylla()?;
    let (options, keyspace) = (&scylla.options, &scylla.options.keyspace);
    let (found, word) = if dry_run {
        (wait_for_store(config, options, || migrations::pending(options)).await?, "would apply")
    } else {
        let applied = wait_for_store(config, options, || migrations::apply(options, &scylla.replication)).await?;
        (applied.migrations, "applied")
    };
    for migration in &found {
        page.line(format_args!("{word} {:>4} {}", migration.version, migration.name));
    }
    if found.is_empty() {
        page.line(format_args!("keyspace {keyspace} is up to date"));
    } else if dry_run {
        page.line(format_args!("keyspace {keyspace}: {} to apply; nothing was changed", found.len()));
    } else {
        page.line(format_args!("keyspace {keyspace}: {} applied", found.len()));
    }
    Ok(ExitCode::SUCCESS)
}
