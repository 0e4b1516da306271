//! AgentPing's keyspace: runs and what follows from them, and the registry.
//!
//! A run is one partition, written by one unlogged batch with a write timestamp from its position on the log. Listings,
//! usage and the other derived tables have absolute values and the same timestamp. `docs/schema.md` has the tables.

use tidegate_agentping::TeamId;
use tidegate_kernel::Region;
use tidegate_ports::StoreError;

use crate::failure::unreadable;
use crate::schema::{Migration, RegionalId, Schema, Tables};
use crate::session::Cql;

mod compared;
mod registry;
mod settings;
mod statements;
mod store;

pub use registry::ScyllaRegistry;
pub use settings::ScyllaSettings;
pub use statements::AgentPingStatements;
pub use store::ScyllaStore;

/// A connection to a keyspace of AgentPing.
pub type AgentPingCql = Cql<AgentPingStatements>;

/// The schema of AgentPing's keyspaces.
pub static SCHEMA: Schema<AgentPingStatements> = Schema {
    tables: Tables {
        migrations: &[
            Migration { version: 1, name: "runs", text: include_str!("../migrations/agentping/0001_runs.cql") },
            Migration { version: 2, name: "registry", text: include_str!("../migrations/agentping/0002_registry.cql") },
            Migration { version: 3, name: "accounts", text: include_str!("../migrations/agentping/0003_accounts.cql") },
            Migration {
                version: 4,
                name: "names_and_archive",
                text: include_str!("../migrations/agentping/0004_names_and_archive.cql"),
            },
            Migration { version: 5, name: "halts", text: include_str!("../migrations/agentping/0005_halts.cql") },
            Migration { version: 6, name: "repeats", text: include_str!("../migrations/agentping/0006_repeats.cql") },
            Migration {
                version: 7,
                name: "pulse_feed",
                text: include_str!("../migrations/agentping/0007_pulse_feed.cql"),
            },
            Migration { version: 8, name: "settings", text: include_str!("../migrations/agentping/0008_settings.cql") },
            Migration {
                version: 9,
                name: "key_labels",
                text: include_str!("../migrations/agentping/0009_key_labels.cql"),
            },
        ],
        // Every team id names its region.
        regional_ids: &[
            RegionalId { table: "teams", column: "team", region: region_of_team },
            RegionalId { table: "runs", column: "team", region: region_of_team },
        ],
        batches: &[
            "save_run",
            "save_owners",
            "delete_owners",
            "save_line",
            "delete_line",
            "save_day",
            "save_agent",
            "save_usage",
            "save_notes",
            "save_feed",
            "write_documents",
            "put_rows",
        ],
        needs_quorums: false,
        compared: compared::TABLES,
        any_row: "SELECT team FROM runs LIMIT 1",
    },
    prepare: |session| Box::pin(AgentPingStatements::prepare(session)),
};

fn region_of_team(team: &str) -> Result<Region, StoreError> {
    let team = TeamId::parse(team).map_err(|error| unreadable("a team's id", error))?;
    Ok(team.region())
}
