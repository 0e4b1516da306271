//! Plans as flags say them.

use tidegate_agentping::{Limits, Plan};

use super::Command;
use crate::cli::{PlanArgs, TeamsCommand};

/// Refuses limits beside a plan that has its own, before anything is opened or made.
///
/// # Errors
/// What is wrong and the way out.
pub fn check(command: &Command) -> Result<(), String> {
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
/// What is wrong and the way out.
pub fn chosen(args: &PlanArgs) -> Result<Plan, String> {
    let limits = Limits {
        sustained_per_s: args.sustained_per_s,
        burst: args.burst,
        events_per_month: args.events_per_month,
        agents: args.agents,
    };
    match args.plan {
        Plan::Enterprise(_) => Ok(Plan::Enterprise(limits)),
        plan if limits == Limits::default() => Ok(plan),
        plan => Err(format!(
            "plan '{plan}' has its own limits: leave out --sustained-per-s, --burst, --events-per-month and --agents, \
             or choose --plan enterprise"
        )),
    }
}
