//! `tidegate exec`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use tidegate_agentping::Slug;

#[derive(Debug, Args)]
#[command(
    after_help = "The exit code is the command's. A report that the server does not take is kept in a file and sent by \
        the agent's next run.\n\n\
        Examples:\n  \
        tidegate exec --agent nightly --token ping_eu_… -- ./job.sh --all\n  \
        AGENTPING_API_KEY=ping_eu_… tidegate exec --agent nightly --tail -- ./job.sh"
)]
pub struct ExecArgs {
    /// The agent that the job is, by its slug
    #[arg(long, value_name = "SLUG", value_parser = Slug::sent)]
    pub agent: Slug,
    /// A ping token of the agent, or an API key; other users of this machine may see arguments
    #[arg(long, value_name = "TOKEN", env = "AGENTPING_API_KEY", hide_env_values = true)]
    pub token: Option<String>,
    /// Where the front door is, without a path
    #[arg(long, value_name = "URL", env = "AGENTPING_BASE_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Report the last BYTES of the command's output, too; without a number 10000
    #[arg(long, value_name = "BYTES", num_args = 0..=1, require_equals = true, default_missing_value = "10000",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub tail: Option<u32>,
    /// How many seconds the report of the end may take
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = clap::value_parser!(u8).range(1..=60))]
    pub report_within: u8,
    /// Where reports wait that could not be sent [default: $XDG_STATE_HOME/tidegate/exec or
    /// ~/.local/state/tidegate/exec]
    #[arg(long, value_name = "DIR")]
    pub spool: Option<PathBuf>,
    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}
