//! The commands of AgentGate: organizations, keys, the front door, the worker.

use clap::{Args, Subcommand, ValueEnum};

use super::Place;
use super::distributed::{Deployment, Operations};

#[derive(Debug, Subcommand)]
pub enum AgentGateCommand {
    /// Run a front door of AgentGate, which its clients and workers send requests to
    Serve(ServeArgs),
    /// Lease runs, and run a command for each
    Worker(WorkerArgs),
    /// Create, list and change organizations, and give them credits
    #[command(subcommand)]
    Orgs(OrgsCommand),
    /// Create, list and revoke the keys of organizations
    #[command(subcommand)]
    Keys(OrgKeysCommand),
    /// Create and revoke the keys of workers
    #[command(subcommand)]
    WorkerKeys(WorkerKeysCommand),
    /// List what is to be sent to webhooks: what waits, what is given up, and what came back last
    Deliveries(DeliveriesArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate agentgate deliveries --org org_… --json")]
pub struct DeliveriesArgs {
    /// Those of one organization (org_…) [default: all]
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
    /// Those that were sent, too
    #[arg(long)]
    pub sent: bool,
    /// The newest, at most so many
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub limit: u16,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Args)]
#[command(after_help = "Needs [kafka] brokers, [redis] urls and [scylla] nodes, and agentgate.secret_file.\n\n\
        Example:\n  tidegate agentgate serve --config tidegate-distributed.toml --listen 0.0.0.0:8082")]
pub struct ServeArgs {
    /// Where the front door listens; port 0 picks a free one [default: 127.0.0.1:8082]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    #[command(flatten)]
    pub operations: Operations,
    #[command(flatten)]
    pub deployment: Deployment,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The command gets the work order as JSON on its standard input. A line of JSON on its standard \
        output is progress, {\"iterations\":2}, or the result, {\"status\":\"succeeded\"}; without a result, exit code 0 \
        is success.\n\n\
        Example:\n  tidegate agentgate worker --url http://127.0.0.1:8082 --key agw_live_… --exec ./agent.sh"
)]
pub struct WorkerArgs {
    /// Where AgentGate's front door is
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// A worker's key
    #[arg(long, value_name = "KEY", env = "TIDEGATE_WORKER_KEY", hide_env_values = true)]
    pub key: String,
    /// The program, or a command line for /bin/sh
    #[arg(long, value_name = "CMD")]
    pub exec: String,
    /// Carry out one run and exit
    #[arg(long)]
    pub once: bool,
    /// How many runs at a time
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallel: u16,
}

#[derive(Debug, Subcommand)]
pub enum OrgsCommand {
    /// Create an organization
    #[command(after_help = "Example:\n  tidegate agentgate orgs create acme --included-cents 20000 --json")]
    Create {
        /// Its display name
        name: String,
        #[command(flatten)]
        settings: OrgSettings,
        #[command(flatten)]
        place: Place,
    },
    /// List organizations
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show one organization with its credits
    Show {
        /// The organization (org_…)
        #[arg(value_name = "ORG")]
        org: String,
        #[command(flatten)]
        place: Place,
    },
    /// Change an organization's limits; those not given stay
    #[command(after_help = "Example:\n  tidegate agentgate orgs set org_… --concurrency 20 --billing none")]
    Set {
        /// The organization (org_…)
        #[arg(value_name = "ORG")]
        org: String,
        #[command(flatten)]
        settings: OrgSettings,
        #[command(flatten)]
        once: OnceArgs,
        #[command(flatten)]
        place: Place,
    },
    /// Suspend an organization: requests of its clients and its workers are refused, and runs in progress end by their
    /// deadlines
    Suspend {
        /// The organization (org_…)
        #[arg(value_name = "ORG")]
        org: String,
        #[command(flatten)]
        place: Place,
    },
    /// Lift the suspension of an organization
    Resume {
        /// The organization (org_…)
        #[arg(value_name = "ORG")]
        org: String,
        #[command(flatten)]
        place: Place,
    },
    /// Erase an organization for good: its runs are cancelled, its keys revoked, its webhooks and templates deleted, and
    /// its data key destroyed, so that no one can read its content again, in no copy of the log either
    #[command(after_help = "There is no way back. Credits and the times, states and charges of runs stay.\n\n\
            Example:\n  tidegate agentgate orgs erase org_…")]
    Erase {
        /// The organization (org_…)
        #[arg(value_name = "ORG")]
        org: String,
        #[command(flatten)]
        place: Place,
    },
    /// Show the secret that signs what is sent to the webhookUrl of an organization's submissions
    WebhookSecret {
        /// The organization (org_…)
        #[arg(value_name = "ORG")]
        org: String,
        #[command(flatten)]
        place: Place,
    },
    /// Add purchased credits
    #[command(after_help = "Example:\n  tidegate agentgate orgs credit org_… --cents 5000")]
    Credit {
        /// The organization (org_…)
        #[arg(value_name = "ORG")]
        org: String,
        /// How many cents
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_CENTS))]
        cents: u64,
        #[command(flatten)]
        once: OnceArgs,
        #[command(flatten)]
        place: Place,
    },
}

/// What names a command that may be given again.
#[derive(Clone, Debug, Args)]
pub struct OnceArgs {
    /// Names the command: given again with the same key within 24 hours, it changes nothing [default: a random key]
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    pub idempotency_key: Option<String>,
}

/// A key needs no quotes in a shell, since it is printed in the command line that repeats a command.
fn idempotency_key(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let well_formed = (1..=255).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('-');
    if well_formed { Ok(text.to_owned()) } else { Err("1 to 255 letters, digits and - _ . :, no - first".to_owned()) }
}

/// Cents that a command can name: ten thousand million dollars.
const MAX_CENTS: u64 = 1_000_000_000_000;

/// An organization's limits.
#[derive(Clone, Debug, Default, Args)]
pub struct OrgSettings {
    /// Credits included in each billing cycle, in cents [default for a new one: 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=MAX_CENTS))]
    pub included_cents: Option<u64>,
    /// The balance of purchased credits, in cents [default for a new one: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=MAX_CENTS))]
    pub purchased_cents: Option<u64>,
    /// Runs open at a time [default for a new one: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub concurrency: Option<u32>,
    /// Requests a minute [default for a new one: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub requests_per_minute: Option<u32>,
    /// Submissions of work orders a minute [default for a new one: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub submissions_per_minute: Option<u32>,
    /// Whether it can be charged; without, submissions are refused [default for a new one: ok]
    #[arg(long, value_enum)]
    pub billing: Option<BillingArg>,
}

impl OrgSettings {
    /// The options that were given, as words of a command line.
    pub fn words(&self) -> Vec<String> {
        let billing = self.billing.map(|billing| match billing {
            BillingArg::Ok => "ok",
            BillingArg::None => "none",
        });
        let options = [
            ("--included-cents", self.included_cents.map(|number| number.to_string())),
            ("--purchased-cents", self.purchased_cents.map(|number| number.to_string())),
            ("--concurrency", self.concurrency.map(|number| number.to_string())),
            ("--requests-per-minute", self.requests_per_minute.map(|number| number.to_string())),
            ("--submissions-per-minute", self.submissions_per_minute.map(|number| number.to_string())),
            ("--billing", billing.map(str::to_owned)),
        ];
        options.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).flatten().collect()
    }
}

/// Whether an organization can be charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BillingArg {
    Ok,
    None,
}

#[derive(Debug, Subcommand)]
pub enum OrgKeysCommand {
    /// Create a key, which is shown only once
    #[command(
        after_help = "Example:\n  tidegate agentgate keys create --org org_… --scopes work-orders:write,runs:read"
    )]
    Create {
        /// The organization (org_…)
        #[arg(long, value_name = "ORG")]
        org: String,
        /// A comma list of scopes, '*' for all, none for a key without any
        #[arg(long, value_name = "SCOPES")]
        scopes: String,
        #[command(flatten)]
        place: Place,
    },
    /// List the keys of an organization
    List {
        /// The organization (org_…)
        #[arg(long, value_name = "ORG")]
        org: String,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a key; a running service applies it within two seconds
    Revoke {
        /// The key's id (key_…), as list shows it; not the key itself
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
pub enum WorkerKeysCommand {
    /// Create a worker's key, of one organization or of the fleet, which is shown only once
    #[command(after_help = "Example:\n  tidegate agentgate worker-keys create --org org_…")]
    Create {
        /// The organization whose runs it works on (org_…)
        #[arg(long, value_name = "ORG", required_unless_present = "fleet", conflicts_with = "fleet")]
        org: Option<String>,
        /// It works on the runs of every organization
        #[arg(long)]
        fleet: bool,
        #[command(flatten)]
        place: Place,
    },
    /// List workers' keys, of one organization or of the fleet
    List {
        /// The organization (org_…)
        #[arg(long, value_name = "ORG", required_unless_present = "fleet", conflicts_with = "fleet")]
        org: Option<String>,
        /// Those of the fleet
        #[arg(long)]
        fleet: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a worker's key; a running service applies it within two seconds
    Revoke {
        /// The key's id (key_…), as list shows it; not the key itself
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

impl OrgsCommand {
    /// Where it works.
    pub const fn place(&self) -> &Place {
        match self {
            OrgsCommand::Create { place, .. }
            | OrgsCommand::List { place }
            | OrgsCommand::Show { place, .. }
            | OrgsCommand::Set { place, .. }
            | OrgsCommand::Suspend { place, .. }
            | OrgsCommand::Resume { place, .. }
            | OrgsCommand::Erase { place, .. }
            | OrgsCommand::WebhookSecret { place, .. }
            | OrgsCommand::Credit { place, .. } => place,
        }
    }
}

impl OrgKeysCommand {
    /// Where it works.
    pub const fn place(&self) -> &Place {
        match self {
            OrgKeysCommand::Create { place, .. }
            | OrgKeysCommand::List { place, .. }
            | OrgKeysCommand::Revoke { place, .. } => place,
        }
    }
}

impl WorkerKeysCommand {
    /// Where it works.
    pub const fn place(&self) -> &Place {
        match self {
            WorkerKeysCommand::Create { place, .. }
            | WorkerKeysCommand::List { place, .. }
            | WorkerKeysCommand::Revoke { place, .. } => place,
        }
    }
}
