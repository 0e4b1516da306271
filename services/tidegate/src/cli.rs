//! The command line.

mod agentgate;
mod amounts;
mod config;
mod demo;
mod distributed;
mod exec;
mod log_commands;
mod replay;
mod teams;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tidegate_agentping::{KeyAccess, KeyLabel, Slug};
use tidegate_kernel::Usd;

pub use agentgate::{
    AgentGateCommand, BillingArg, DeliveriesArgs, OrgKeysCommand, OrgSettings, OrgsCommand, WorkerArgs,
    WorkerKeysCommand,
};
pub use amounts::BatchMultiplier;
pub use config::{ConfigCommand, ConfigFileArgs, ControlServer, ImportFrom};
pub use demo::DemoArgs;
pub use distributed::{
    Api, CommandApi, CompareArgs, ControlArgs, DecideArgs, Deployment, IngestArgs, MigrateArgs, PersistArgs, PulseArgs,
    RebuildArgs, TopicsCommand, VoidArgs,
};
pub use exec::ExecArgs;
pub use log_commands::{DeadLettersCommand, DeadLettersListArgs, DeadLettersShowArgs, LagArgs};
pub use replay::{LogPlace, ReplayArgs};
pub use teams::{AgentsCommand, PlanArgs, TeamsCommand};

/// The data folder where none is given.
pub const DEFAULT_DATA: &str = "./tidegate-data";

#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    about = "Takes in what AI agents report about themselves, and loses none of what it has accepted",
    after_help = "Examples:\n  \
        tidegate dev                                  everything in one process, data in ./tidegate-data\n  \
        tidegate teams create acme --plan business    a team\n  \
        tidegate keys create --team acme              an API key for it\n  \
        tidegate exec --agent nightly -- ./job.sh     a job that reports itself\n  \
        tidegate check-config --config tidegate.toml  what would hold, and why\n\n\
        On Kafka, Redis and ScyllaDB or Cassandra, all with the same --config FILE or TIDEGATE_… variables:\n  \
        tidegate migrate && tidegate topics create    once, before anything else\n  \
        tidegate ingest                               a front door, any number of them\n  \
        tidegate persist                              a persister, as many as there are partitions\n  \
        tidegate control                              the read API\n  \
        tidegate pulse                                judges schedules and sends alerts; more of them wait"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process, on one data folder
    Dev(DevArgs),
    /// Run a front door, which clients send requests to
    Ingest(IngestArgs),
    /// Run a persister: folds the log into the store
    Persist(PersistArgs),
    /// Run the read API
    Control(ControlArgs),
    /// Bring the store's schema to what this version needs
    Migrate(MigrateArgs),
    /// Create the log's topics, or check them
    #[command(subcommand)]
    Topics(TopicsCommand),
    /// Read the whole log again into an empty keyspace
    Rebuild(RebuildArgs),
    /// Compare two keyspaces, cell by cell
    Compare(CompareArgs),
    /// Print how far persisters or deciders are behind the log, by partition
    Lag(LagArgs),
    /// List and show the records that could not be applied
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Append chosen records of the log again: by time, by position, or from the dead letters
    Replay(Box<ReplayArgs>),
    /// Check the configuration and print the settings in effect, with the source of each value
    #[command(
        after_help = "Example:\n  TIDEGATE_INGEST__LISTEN=0.0.0.0:8080 tidegate check-config --config tidegate.toml"
    )]
    CheckConfig {
        /// A TOML file; variables override it
        #[arg(long, env = "TIDEGATE_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Compare, apply and export a team's settings as one file of YAML
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Run a command, and report its start and end to AgentPing
    Exec(ExecArgs),
    /// Fill a running `tidegate dev` with a week of traffic to look at
    Demo(DemoArgs),
    /// Supervise one command of a worker
    #[command(hide = true, name = "supervise-command")]
    Supervise,
    /// Decide the commands of an API: the consumer behind its front doors
    Decide(DecideArgs),
    /// Judge schedules and runs: open incidents, and send what follows
    Pulse(PulseArgs),
    /// Set one command aside that cannot be decided, so that its partition continues
    Void(VoidArgs),
    /// AgentGate: its front door, its worker, its organizations and keys
    #[command(subcommand, name = "agentgate")]
    AgentGate(AgentGateCommand),
    /// Create, list, rename, archive and restore teams, and set their plans
    #[command(subcommand)]
    Teams(TeamsCommand),
    /// List a team's agents, and archive those that are not used
    #[command(subcommand)]
    Agents(AgentsCommand),
    /// Create, list and revoke the API keys of teams
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Create, list, rotate and revoke the ping tokens of agents
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// List and set what model calls cost a team
    #[command(subcommand)]
    Rates(RatesCommand),
}

impl Command {
    /// Whether it runs until a signal: a service, which works without its standard output.
    pub const fn serves(&self) -> bool {
        matches!(
            self,
            Command::Dev(_)
                | Command::Ingest(_)
                | Command::Persist(_)
                | Command::Control(_)
                | Command::Decide(_)
                | Command::Pulse(_)
                | Command::AgentGate(AgentGateCommand::Serve(_) | AgentGateCommand::Worker(_))
        )
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Without --config and flags, TIDEGATE_… variables set the same values, for example\n\
        TIDEGATE_REGION=us or TIDEGATE_INGEST__LISTEN=0.0.0.0:8080 (see check-config).\n\n\
        Examples:\n  \
        tidegate dev\n  \
        tidegate dev --data /var/lib/tidegate --region us --listen 0.0.0.0:8080\n  \
        tidegate dev --listen 127.0.0.1:0 --control-listen 127.0.0.1:0 --agentgate-listen 127.0.0.1:0 --ops-listen 127.0.0.1:0")]
pub struct DevArgs {
    /// The data folder; created if it does not exist [default: ./tidegate-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The region of the data: eu or us; fixed once the folder is created [default: eu]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Where the front door listens; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Where the read API listens [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    pub control_listen: Option<String>,
    /// Where AgentGate's front door listens [default: 127.0.0.1:8082]
    #[arg(long, value_name = "ADDR")]
    pub agentgate_listen: Option<String>,
    /// Where /healthz, /readyz and /metrics listen [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR")]
    pub ops_listen: Option<String>,
    /// A TOML file; variables override it, and flags override those
    #[arg(long, env = "TIDEGATE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What every management command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Where")]
pub struct Place {
    /// The data folder, also TIDEGATE_DATA; a service may be running on it [default: ./tidegate-data, unless the
    /// configuration names the nodes of a store]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The configuration; if it or TIDEGATE_SCYLLA__NODES names nodes, the distributed deployment is managed
    #[arg(long, env = "TIDEGATE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON object or array and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Create an API key, which is shown only once
    #[command(after_help = "Examples:\n  tidegate keys create --team acme --json\n  \
        tidegate keys create --team acme --access read --label grafana    for dashboards and scrapers")]
    Create {
        /// The team, by id or name
        #[arg(long, value_name = "TEAM")]
        team: String,
        /// What it may do: full, or read (it neither reports nor changes anything)
        #[arg(long, value_name = "ACCESS", default_value_t = KeyAccess::Full)]
        access: KeyAccess,
        /// What it is for, in 1 to 64 characters: lists show it
        #[arg(long, value_name = "TEXT", value_parser = KeyLabel::parse)]
        label: Option<KeyLabel>,
        #[command(flatten)]
        place: Place,
    },
    /// List keys, of one team or of all
    List {
        /// The team, by id or name
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a key; a running service applies it within seconds
    Revoke {
        /// The key's id (key_…), as list shows it; not the key itself
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Create a ping token for an agent, and the agent if it is new; the token is shown only once
    #[command(after_help = "Example:\n  tidegate tokens create --team acme --agent nightly-report")]
    Create {
        /// The team, by id or name
        #[arg(long, value_name = "TEAM")]
        team: String,
        /// The agent's slug
        #[arg(long, value_name = "SLUG", value_parser = Slug::sent)]
        agent: Slug,
        #[command(flatten)]
        place: Place,
    },
    /// List tokens, of one team or of all
    List {
        /// The team, by id or name
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Replace a token; the old one works for another 24 hours
    Rotate {
        /// The token's id (tok_…), as list shows it; not the token itself
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a token; a running service applies it within seconds
    Revoke {
        /// The token's id (tok_…), as list shows it; not the token itself
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
pub enum RatesCommand {
    /// List the rates that teams have set themselves; they take precedence over the shipped ones
    List {
        /// The team, by id or name
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Set what one model costs a team, in US dollars per million tokens; it applies to events received from now on
    #[command(after_help = "Example:\n  tidegate rates set --team acme --provider openai --model gpt-5 \\\n      \
        --input 1.25 --cached 0.125 --output 10")]
    Set(Box<RateArgs>),
}

#[derive(Debug, Args)]
pub struct RateArgs {
    /// The team, by id or name
    #[arg(long, value_name = "TEAM")]
    pub team: String,
    /// Its name in events, for example openai
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub provider: String,
    /// Its name in events, for example gpt-5
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub model: String,
    /// Dollars per million input tokens, exact to 9 decimals
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    pub input: Usd,
    /// Dollars per million cached input tokens; the input price if not given
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    pub cached: Option<Usd>,
    /// Dollars per million output tokens
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    pub output: Usd,
    /// The factor for calls in batch mode: 0 to 1, up to 3 decimals
    #[arg(long, value_name = "FACTOR", default_value = "0.5", allow_negative_numbers = true)]
    pub batch_multiplier: BatchMultiplier,
    #[command(flatten)]
    pub place: Place,
}

#[cfg(test)]
mod tests;
