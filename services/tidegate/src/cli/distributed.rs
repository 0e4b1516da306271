//! The commands of the distributed deployment: Kafka, Redis, and ScyllaDB or Cassandra.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tidegate_kernel::Position;

use super::Place;

/// Where the servers are.
#[derive(Clone, Debug, Args)]
pub struct Deployment {
    /// A TOML file; TIDEGATE_… variables override it, and flags override those
    #[arg(long, env = "TIDEGATE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The region of the data: eu or us; topics, keyspace and the gate's keys are named after it [default: eu]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

/// The port that every role has for operations.
#[derive(Clone, Debug, Args)]
pub struct Operations {
    /// Where /healthz, /readyz and /metrics listen; port 0 picks a free one [default: the section's ops_listen, or else
    /// ops.listen, which is 127.0.0.1:9090: roles on one machine need ports of their own]
    #[arg(long, value_name = "ADDR")]
    pub ops_listen: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Needs [kafka] brokers, [redis] urls and [scylla] nodes. It starts without Redis, and waits \
        start_timeout_ms for Kafka and the store.\n\n\
        Examples:\n  \
        tidegate ingest --config tidegate-distributed.toml\n  \
        tidegate ingest --config tidegate-distributed.toml --listen 0.0.0.0:8080 --ops-listen 0.0.0.0:9090\n  \
        TIDEGATE_KAFKA__BROKERS=k1:9092,k2:9092 TIDEGATE_REDIS__URLS=redis://r:6379 TIDEGATE_SCYLLA__NODES=s:9042 \\\n    \
        tidegate ingest --region us")]
pub struct IngestArgs {
    /// Where the front door listens; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    #[command(flatten)]
    pub operations: Operations,
    #[command(flatten)]
    pub deployment: Deployment,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Needs [kafka] brokers and [scylla] nodes; it waits start_timeout_ms for them. Persisters share \
        the partitions: more of them than there are partitions do nothing.\n\n\
        Example:\n  tidegate persist --config tidegate-distributed.toml --ops-listen 127.0.0.1:9092"
)]
pub struct PersistArgs {
    #[command(flatten)]
    pub operations: Operations,
    #[command(flatten)]
    pub deployment: Deployment,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Needs [kafka] brokers and [scylla] nodes; it waits start_timeout_ms for them. One process judges at a time, \
        by a lease in the store; others wait to take over.\n\n\
        Example:\n  tidegate pulse --config tidegate-distributed.toml --ops-listen 127.0.0.1:9096"
)]
pub struct PulseArgs {
    #[command(flatten)]
    pub operations: Operations,
    #[command(flatten)]
    pub deployment: Deployment,
}

/// An API, which has a log and a store of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Api {
    #[default]
    #[value(name = "agentping")]
    AgentPing,
    #[value(name = "agentgate")]
    AgentGate,
}

/// An API whose commands are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CommandApi {
    #[value(name = "agentgate")]
    AgentGate,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A command that cannot be decided halts its partition; `tidegate_decider_halted` and the log of the \
        decider say where. It is set aside only if no release that has decided commands of this log could decide it, \
        and never decided afterwards, not by a replay and not by a rebuild. Where the command is interrupted, the \
        partition waits: run the same again.\n\n\
        Example:\n  tidegate void 1/3/1234 --api agentgate --reason 'garbage, sent by a broken tool'"
)]
pub struct VoidArgs {
    /// Where the partition is halted: generation/partition/offset
    #[arg(value_name = "PLACE")]
    pub position: Position,
    /// Whose commands
    #[arg(long, value_enum)]
    pub api: CommandApi,
    /// The reason, which is kept
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Whatever releases could decide it: every decider is stopped, and the store is rebuilt before one starts. On a
    /// data folder: no process runs on it, and nothing is rebuilt
    #[arg(long)]
    pub all_deciders_stopped: bool,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Needs [kafka] brokers and [scylla] nodes; it waits start_timeout_ms for them. Deciders share the \
        partitions: more of them than there are partitions do nothing. Roll deciders out before front doors.\n\n\
        Example:\n  tidegate decide --api agentgate --config tidegate-distributed.toml"
)]
pub struct DecideArgs {
    /// Whose commands
    #[arg(long, value_enum)]
    pub api: CommandApi,
    #[command(flatten)]
    pub operations: Operations,
    #[command(flatten)]
    pub deployment: Deployment,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Needs [scylla] nodes; it waits start_timeout_ms for them. With [redis] urls and [kafka] brokers,\n\
        agents that are deleted over the API give their slots back; without them they keep them.\n\n\
        Example:\n  tidegate control --config tidegate-distributed.toml --listen 127.0.0.1:8081 --ops-listen 127.0.0.1:9093"
)]
pub struct ControlArgs {
    /// Where the read API listens; port 0 picks a free one [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    #[command(flatten)]
    pub operations: Operations,
    #[command(flatten)]
    pub deployment: Deployment,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Makes the keyspace if it is not there. Running it again, or twice at once, changes nothing.\n\n\
        Examples:\n  \
        tidegate migrate --config tidegate-distributed.toml\n  \
        tidegate migrate --config tidegate-distributed.toml --dry-run"
)]
pub struct MigrateArgs {
    /// Only print what would be applied
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub deployment: Deployment,
}

#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// Create missing topics; existing ones are checked and never altered
    #[command(after_help = "Example:\n  tidegate topics create --config tidegate-distributed.toml")]
    Create {
        #[command(flatten)]
        deployment: Deployment,
    },
    /// Check that the topics exist, with the partitions, replicas and sizes of the configuration
    #[command(after_help = "Example:\n  tidegate topics check --config tidegate-distributed.toml")]
    Check {
        #[command(flatten)]
        deployment: Deployment,
    },
}

impl TopicsCommand {
    /// Where the servers are.
    pub const fn deployment(&self) -> &Deployment {
        match self {
            TopicsCommand::Create { deployment } | TopicsCommand::Check { deployment } => deployment,
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Reads the log from its beginning up to where it ends now, as a consumer group of its own, while \
        the deployment runs. The live keyspace is not touched, and a keyspace that holds anything is refused. \
        Teams, keys, tokens and rates are not on the log, so they are not rebuilt.\n\n\
        With --api agentgate every command is decided again, up to where the group of deciders is now: what is behind it \
        is theirs to decide. Nothing is sent and nothing is appended, and void commands are skipped. Data keys, void \
        places and how far messages are stand on no log; they are copied, and --only-keys copies them once more, when \
        deciders and front doors have stopped and before they start on the new keyspace (agentgate.keyspace).\n\n\
        Examples:\n  \
        tidegate rebuild --config tidegate-distributed.toml --into tidegate_eu_again\n  \
        tidegate compare --config tidegate-distributed.toml --with tidegate_eu_again\n  \
        tidegate rebuild --config tidegate-distributed.toml --api agentgate --into agentgate_eu_again"
)]
pub struct RebuildArgs {
    /// The keyspace to be filled; created if it does not exist
    #[arg(long, value_name = "KEYSPACE")]
    pub into: String,
    /// Whose store
    #[arg(long, value_enum, default_value_t)]
    pub api: Api,
    /// Of AgentGate: only copy data keys, void places and how far messages are into a keyspace that was rebuilt before
    #[arg(long)]
    pub only_keys: bool,
    #[command(flatten)]
    pub deployment: Deployment,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0: equal; 1: different, or not comparable. Records that are still on their way to one \
        of both show as differences. Of AgentGate, books, facts, view rows and due times are compared, and of \
        deliveries, which end after three days, those that both have.\n\n\
        Examples:\n  \
        tidegate compare --config tidegate-distributed.toml --with tidegate_eu_again\n  \
        tidegate compare --config tidegate-distributed.toml --api agentgate --with agentgate_eu_again\n  \
        tidegate compare --config tidegate-distributed.toml --keyspace tidegate_a --with tidegate_b --json"
)]
pub struct CompareArgs {
    /// Whose store
    #[arg(long, value_enum, default_value_t)]
    pub api: Api,
    /// The one keyspace [default: the configuration's]
    #[arg(long, value_name = "KEYSPACE")]
    pub keyspace: Option<String>,
    /// The other keyspace
    #[arg(long, value_name = "KEYSPACE")]
    pub with: String,
    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub deployment: Deployment,
}
