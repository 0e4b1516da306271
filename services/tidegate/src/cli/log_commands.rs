//! The commands that look at the log: how far its consumers are, and what they could not apply.

use clap::{Args, Subcommand};
use tidegate_agentping::Slug;
use tidegate_kernel::Position;

use super::distributed::Api;
use super::replay::LogPlace;
use crate::log_commands::kind::Kind;

#[derive(Debug, Args)]
#[command(
    after_help = "One line for each partition: the first record kept, the record that is applied next, where the log \
        ends, how many records wait, for how long the oldest of them has at least, and when the log took it. How long is \
        never the difference of two machines' clocks: it is by the log's own clock, and with --watch by this machine's \
        since it saw the record come. What the store has does not wait, whatever is committed. Nothing is written and no group is joined: \
        it works while services run, also while `tidegate dev` runs on the same folder.\n\n\
        Where the configuration names brokers, their log is looked at; otherwise the data folder's.\n\n\
        Exit code 0: read; 1: it could not be read. --watch goes on until it is interrupted.\n\n\
        Examples:\n  \
        tidegate lag --config tidegate-distributed.toml\n  \
        tidegate lag --config tidegate-distributed.toml --watch\n  \
        tidegate lag --data ./tidegate-data --json\n  \
        tidegate lag --watch --json | jq .records\n  \
        tidegate lag --api agentgate --data ./tidegate-data"
)]
pub struct LagArgs {
    /// Whose log
    #[arg(long, value_enum, default_value_t)]
    pub api: Api,
    /// Repeat every --every-s seconds, and print how fast records are applied and the time left
    #[arg(long)]
    pub watch: bool,
    /// Seconds between two readings of --watch
    #[arg(long, value_name = "N", default_value = "2", requires = "watch", value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub every_s: u16,
    /// Print one JSON object for each reading and nothing else
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub at: LogPlace,
}

#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List records that could not be applied, in the order of their positions on the log
    #[command(
        after_help = "What a record says of its team, kind and agent is read from its bytes as far as they can be \
        read, and its team from its key otherwise; a record that names neither is found without filters only. Events and \
        finishes do not name their agent.\n\n\
        Examples:\n  \
        tidegate dead-letters list --config tidegate-distributed.toml\n  \
        tidegate dead-letters list --config tidegate-distributed.toml --team acme --kind events --limit 20\n  \
        tidegate dead-letters list --data ./tidegate-data --json"
    )]
    List(DeadLettersListArgs),
    /// Show one of them in full: reason, time, key, headers, bytes
    #[command(after_help = "Examples:\n  \
        tidegate dead-letters show 1/3/1234 --config tidegate-distributed.toml\n  \
        tidegate dead-letters show 1/0/7 --data ./tidegate-data --json\n  \
        tidegate dead-letters show 1/3/1234 --raw > record.json")]
    Show(DeadLettersShowArgs),
}

impl DeadLettersCommand {
    /// Of which API: only AgentPing has dead letters.
    pub const fn api(&self) -> Api {
        match self {
            DeadLettersCommand::List(args) => args.api,
            DeadLettersCommand::Show(args) => args.api,
        }
    }

    /// Whose log.
    pub const fn at(&self) -> &LogPlace {
        match self {
            DeadLettersCommand::List(args) => &args.at,
            DeadLettersCommand::Show(args) => &args.at,
        }
    }
}

#[derive(Debug, Args)]
pub struct DeadLettersListArgs {
    /// Only agentping has dead letters
    #[arg(long, value_enum, default_value_t)]
    pub api: Api,
    /// Only those of this team, by id or name
    #[arg(long, value_name = "TEAM")]
    pub team: Option<String>,
    /// Only those that name this agent
    #[arg(long, value_name = "AGENT", value_parser = Slug::parse)]
    pub agent: Option<Slug>,
    /// Only those of this kind
    #[arg(long, value_name = "KIND")]
    pub kind: Option<Kind>,
    /// At most this many, the lowest positions first
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
    /// Print one JSON array and nothing else
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub at: LogPlace,
}

#[derive(Debug, Args)]
pub struct DeadLettersShowArgs {
    /// Only agentping has dead letters
    #[arg(long, value_enum, default_value_t)]
    pub api: Api,
    /// The record's position on the log, as list shows it: generation/partition/offset
    #[arg(value_name = "POSITION")]
    pub position: Position,
    /// Write the record's bytes, exactly those and nothing else
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub at: LogPlace,
}
