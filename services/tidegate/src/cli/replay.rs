//! `tidegate replay`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use tidegate_agentping::Slug;
use tidegate_kernel::Timestamp;
use tidegate_replay::OffsetRanges;

use super::distributed::Api;
use crate::log_commands::kind::Kind;

/// Records per second, if no rate is given.
const DEFAULT_RATE: &str = "1000";

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("which").required(true).args(["from", "offsets", "dead_letters"])),
    after_help = "The chosen records are appended again, marked with where they come from, so each run keeps its one \
        writer and what is stored already stays as it is: running a replay twice changes nothing. Where the log ends is \
        noted at the first start, so a replay never meets its own output.\n\n\
        It waits while consumers are so far behind that front doors shed (admission.shed_…), and goes on when they have \
        caught up. Interrupted in any way, the same command goes on where it was, by the progress file; the file is \
        removed when all is done.\n\n\
        Records that are replays themselves are passed over, and so are those that this release cannot decode: only \
        --offsets takes them too. Events and finishes do not name their agent: --agent asks the store for it.\n\n\
        With --api agentgate commands are appended again: chosen by time or by place, of all organizations or of one. A \
        command is decided once, so nothing changes. Void commands, and those that cannot be decoded, are never taken.\n\n\
        Where the configuration names brokers and a store, those are used; otherwise the data folder, and no \
        `tidegate dev` may be running on it: the replay folds its records in itself.\n\n\
        Exit code 0: all was appended; 1: stopped or failed before, and standard error says how to go on.\n\n\
        Examples:\n  \
        tidegate replay --config tidegate-distributed.toml --from 2026-05-15T14:00:00Z --to 2026-05-15T15:00:00Z --dry-run\n  \
        tidegate replay --config tidegate-distributed.toml --from 2026-05-15T14:00:00Z --team acme --rate 200\n  \
        tidegate replay --config tidegate-distributed.toml --offsets 3:1200-1300,4:77\n  \
        tidegate replay --config tidegate-distributed.toml --dead-letters --kind events --json\n  \
        tidegate replay --data ./tidegate-data --dead-letters --agent nightly\n  \
        tidegate replay --config tidegate-distributed.toml --api agentgate --from 2026-05-15T14:00:00Z"
)]
pub struct ReplayArgs {
    /// Whose records
    #[arg(long, value_enum, default_value_t)]
    pub api: Api,
    /// Records appended at this time or later, for example 2026-05-15T14:00:00Z
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub from: Option<Timestamp>,
    /// ... and before this time [default: when the replay is first started]
    #[arg(long, value_name = "TIME", requires = "from", conflicts_with_all = ["offsets", "dead_letters"],
        value_parser = Timestamp::parse)]
    pub to: Option<Timestamp>,
    /// Records by position: PARTITION:FROM-TO[,…], TO not included; 3:100- goes to the end, 3:100 is one record
    #[arg(long, value_name = "RANGES")]
    pub offsets: Option<OffsetRanges>,
    /// All dead letters
    #[arg(long)]
    pub dead_letters: bool,
    /// Only records of this team, by id or name
    #[arg(long, value_name = "TEAM")]
    pub team: Option<String>,
    /// Only records of runs of this agent
    #[arg(long, value_name = "AGENT", value_parser = Slug::parse)]
    pub agent: Option<Slug>,
    /// Only records of this kind
    #[arg(long, value_name = "KIND")]
    pub kind: Option<Kind>,
    /// Only commands of this organization of AgentGate (org_…)
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
    /// Append nothing: fold the records in memory and print what they would change
    #[arg(long, conflicts_with_all = ["rate", "progress"])]
    pub dry_run: bool,
    /// Append at most this many records per second
    #[arg(long, value_name = "N", default_value = DEFAULT_RATE, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// The progress file [default: ./tidegate-replay-<hash of the selection>.json]
    #[arg(long, value_name = "FILE")]
    pub progress: Option<PathBuf>,
    /// Print one JSON object at the end, progress on standard error, and nothing else
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub at: LogPlace,
}

/// Whose log.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Where")]
pub struct LogPlace {
    /// The configuration; if it or TIDEGATE_… variables name brokers and nodes, the distributed deployment is meant
    #[arg(long, env = "TIDEGATE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The embedded deployment's folder, also TIDEGATE_DATA [default: ./tidegate-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The region of the data: eu or us [default: eu; an existing folder's own]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}
