//! `tidegate config`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say what applying a file would change: exit code 0 nothing, 2 something, 1 the file or the server is at fault
    #[command(after_help = "Example:\n  tidegate config diff -f agentping.yaml")]
    Diff {
        #[command(flatten)]
        file: ConfigFileArgs,
        /// As --prune of apply
        #[arg(long)]
        prune: bool,
    },
    /// Apply a file: all of it, or nothing
    #[command(
        after_help = "What the file does not mention stays, members that an object of it leaves out go back to their \
        defaults, and pauses, mutes and tokens are never touched.\n\nExamples:\n  \
        OPS_URL=https://… tidegate config apply -f agentping.yaml\n  \
        tidegate config apply -f agentping.yaml --prune --dry-run"
    )]
    Apply {
        #[command(flatten)]
        file: ConfigFileArgs,
        /// Delete what an apply has made and is not in the file any more
        #[arg(long)]
        prune: bool,
        /// Say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the team's settings as a file
    #[command(after_help = "Example:\n  tidegate config export > agentping.yaml")]
    Export {
        #[command(flatten)]
        server: ControlServer,
    },
    /// Make a file of what another program watches; nothing is applied
    #[command(after_help = "What could not be taken over is said on standard error.\n\nExamples:\n  \
        crontab -l | tidegate config import crontab --timezone Europe/Berlin\n  \
        curl -fsS https://healthchecks.io/api/v3/checks/ -H \"X-Api-Key: …\" | tidegate config import healthchecks\n  \
        tidegate config import cronitor -f monitors.yaml -o agentping.yaml")]
    Import {
        /// What the file is of: crontab (`crontab -l`), healthchecks (the JSON of GET /api/v3/checks/), or cronitor (the JSON
        /// or YAML of GET /api/monitors)
        kind: ImportFrom,
        /// The file; - for standard input
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        file: PathBuf,
        /// Where to write; standard output if absent
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The IANA zone of schedules that name none
        #[arg(long, value_name = "ZONE", default_value = "UTC")]
        timezone: String,
        /// A system's crontab, whose lines name a user before the command
        #[arg(long)]
        system: bool,
    },
}

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFrom {
    Crontab,
    Healthchecks,
    Cronitor,
}

/// A file, and the server whose settings it is about.
#[derive(Debug, Args)]
pub struct ConfigFileArgs {
    /// The file; - for standard input. Secrets are in it as ${NAME}, and their values in variables
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// Print the changes as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub server: ControlServer,
}

/// The management API of a team.
#[derive(Debug, Args)]
pub struct ControlServer {
    /// Where the management API is, without a path
    #[arg(long, value_name = "URL", env = "AGENTPING_CONTROL_URL", default_value = "http://127.0.0.1:8081")]
    pub url: String,
    /// An API key of the team; other users of this machine may see arguments
    #[arg(long, value_name = "KEY", env = "AGENTPING_API_KEY", hide_env_values = true)]
    pub key: String,
}
