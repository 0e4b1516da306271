//! Plans as flags say them.

use tidegate_agentping::{Limits, Plan};

use super::Command;
use crate::cli::{PlanArgs, TeamsCommand};
use crate::failure::Failure;

/// Refuses limits along with a plan that has its own, before anything is opened or made.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn check(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Teams(TeamsCommand::Create { plan, .. } | TeamsCommand::SetPlan { plan, .. }) => {
            chosen(plan).map(drop)
        }
        _ => Ok(()),
    }
}

/// The plan that was chosen, with the limits agreed on.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn chosen(args: &PlanArgs) -> Result<Plan, Failure> {
    let limits = Limits {
        sustained_per_s: args.sustained_per_s,
        burst: args.burst,
        events_per_month: args.events_per_month,
        agents: args.agents,
    };
    match args.plan {
        Plan::Enterprise(_) => Ok(Plan::Enterprise(limits)),
        plan if limits == Limits::default() => Ok(plan),
        plan => Err(Failure::config(format!("plan '{plan}' has its own limits")).hint(
            "leave out --sustained-per-s, --burst, --events-per-month and --agents, or choose --plan enterprise",
        )),
    }
}
