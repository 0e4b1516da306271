//! The commands about teams and their agents.

use clap::{Args, Subcommand};
use tidegate_agentping::{Plan, Slug};
use tidegate_kernel::Region;

use super::Place;

#[derive(Debug, Subcommand)]
pub enum TeamsCommand {
    /// Create a team; its name must be free
    #[command(after_help = "Examples:\n  tidegate teams create acme --plan team\n  \
        tidegate teams create acme --plan team --if-missing     again and again, for scripts\n  \
        tidegate teams create big --plan enterprise --sustained-per-s 5000 --burst 20000")]
    Create {
        /// Its display name
        name: String,
        #[command(flatten)]
        plan: PlanArgs,
        /// If there is a team of this name, print it and change nothing, not even its plan
        #[arg(long)]
        if_missing: bool,
        /// The region of its data: eu or us; must be the deployment's [default: the deployment's, eu for a new folder]
        #[arg(long, value_name = "REGION")]
        region: Option<Region>,
        #[command(flatten)]
        place: Place,
    },
    /// List teams
    #[command(after_help = "Example:\n  tidegate teams list --archived --json")]
    List {
        /// Those that are archived, too
        #[arg(long)]
        archived: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Set a team's plan
    #[command(after_help = "Example:\n  tidegate teams set-plan --team acme --plan business")]
    SetPlan {
        /// The team, by id or name
        #[arg(value_name = "TEAM", required_unless_present = "team", conflicts_with = "team")]
        named: Option<String>,
        /// The team, by id or name
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        place: Place,
    },
    /// Give a team another name; its id, credentials and data stay
    #[command(after_help = "Example:\n  tidegate teams rename acme acme-emea")]
    Rename {
        /// The team, by id or name
        #[arg(value_name = "TEAM")]
        team: String,
        /// Its new name, which must be free
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Archive a team: its keys and tokens stop working within seconds, its data stays
    #[command(
        after_help = "An archived team keeps its name, and `tidegate teams restore` brings it back with the same \
        keys and tokens.\n\nExample:\n  tidegate teams archive acme"
    )]
    Archive {
        /// The team, by id or name
        #[arg(value_name = "TEAM")]
        team: String,
        #[command(flatten)]
        place: Place,
    },
    /// Restore an archived team: its keys and tokens work again within seconds
    #[command(after_help = "Example:\n  tidegate teams restore acme")]
    Restore {
        /// The team, by id or name
        #[arg(value_name = "TEAM")]
        team: String,
        #[command(flatten)]
        place: Place,
    },
}

impl TeamsCommand {
    /// Where it works.
    pub const fn place(&self) -> &Place {
        match self {
            TeamsCommand::Create { place, .. }
            | TeamsCommand::List { place, .. }
            | TeamsCommand::SetPlan { place, .. }
            | TeamsCommand::Rename { place, .. }
            | TeamsCommand::Archive { place, .. }
            | TeamsCommand::Restore { place, .. } => place,
        }
    }
}

/// A plan, and for enterprise the limits agreed on.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// starter, team, business or enterprise
    #[arg(long, value_name = "PLAN")]
    pub plan: Plan,
    /// Enterprise: requests per second; no limit if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "burst")]
    pub sustained_per_s: Option<u32>,
    /// Enterprise: requests that may come at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "sustained_per_s")]
    pub burst: Option<u32>,
    /// Enterprise: events per month; no limit if not given
    #[arg(long, value_name = "N")]
    pub events_per_month: Option<u64>,
    /// Enterprise: agents; no limit if not given
    #[arg(long, value_name = "N")]
    pub agents: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum AgentsCommand {
    /// List a team's agents, each with when a run of it was last received
    #[command(after_help = "Every agent that is not archived takes a slot of the team's plan.\n\n\
        Example:\n  tidegate agents list --team acme --json | jq 'sort_by(.last_seen)'")]
    List {
        /// The team, by id or name
        #[arg(long, value_name = "TEAM")]
        team: String,
        /// Those that are archived, too
        #[arg(long)]
        archived: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Archive agents: each frees a slot of the team's plan within seconds, its runs stay
    #[command(
        after_help = "An archived agent that reports again takes a slot again, if there is one. Archiving does not \
        revoke ping tokens: those of the agent work on, and bring it back.\n\n\
        Distributed, this needs [redis] and [kafka] in the configuration: the gate holds the slots.\n\n\
        Example:\n  tidegate agents archive --team acme nigthly nihgtly"
    )]
    Archive {
        /// The agents' slugs
        #[arg(value_name = "SLUG", required = true, value_parser = Slug::parse)]
        agents: Vec<Slug>,
        /// The team, by id or name
        #[arg(long, value_name = "TEAM")]
        team: String,
        #[command(flatten)]
        place: Place,
    },
}

impl AgentsCommand {
    /// Where it works.
    pub const fn place(&self) -> &Place {
        match self {
            AgentsCommand::List { place, .. } | AgentsCommand::Archive { place, .. } => place,
        }
    }
}
