//! `tidegate teams`.

use tidegate_agentping::{Limits, TeamId};
use tidegate_agentping_ports::{Registry, Team};

use super::rows::TeamJson;
use super::{Context, plans, resolve};
use crate::cli::TeamsCommand;
use crate::console::Console;
use crate::failure::Failure;

const NAME_CHARS: usize = 128;

pub async fn run(mut context: Context, command: TeamsCommand) -> Result<(), Failure> {
    match command {
        TeamsCommand::Create { name, plan, if_missing, .. } => {
            check_name(&name)?;
            let plan = plans::chosen(&plan)?;
            let there = if if_missing { existing(&*context.registry, &name).await? } else { None };
            let team = match there {
                Some(team) => team,
                None => create(&context, name, plan).await?,
            };
            show(&mut context, &team);
        }
        TeamsCommand::List { archived, .. } => {
            let all = context.registry.list_teams().await?;
            let teams: Vec<&Team> = all.iter().filter(|team| archived || team.archived_at.is_none()).collect();
            if context.json {
                context.console.json(&teams.iter().map(|team| TeamJson::from(*team)).collect::<Vec<_>>());
            } else {
                let row = |team: &&Team| {
                    let created_at = team.created_at.to_string();
                    [team.id.to_string(), team.name.clone(), team.plan.to_string(), created_at, state(team)]
                };
                let rows: Vec<_> = teams.iter().map(row).collect();
                context.console.table(["TEAM", "NAME", "PLAN", "CREATED", "STATE"], &rows);
                report_namesakes(&mut context.console, &teams);
            }
        }
        TeamsCommand::Rename { team, name, .. } => {
            check_name(&name)?;
            let mut team = resolve::team(&*context.registry, &team).await?;
            context.registry.rename_team(team.id, name.clone()).await?;
            team.name = name;
            show(&mut context, &team);
        }
        TeamsCommand::Archive { team, .. } => {
            let team = resolve::team(&*context.registry, &team).await?;
            set_archived(&mut context, team, true).await?;
        }
        TeamsCommand::Restore { team, .. } => {
            let team = resolve::team(&*context.registry, &team).await?;
            set_archived(&mut context, team, false).await?;
        }
        TeamsCommand::SetPlan { named, team, plan, .. } => {
            // The command line takes exactly one of both.
            let text = team.or(named).unwrap_or_default();
            let mut team = resolve::team(&*context.registry, &text).await?;
            team.plan = plans::chosen(&plan)?;
            context.registry.set_plan(team.id, team.plan).await?;
            show(&mut context, &team);
        }
    }
    Ok(())
}

/// Makes a team.
///
/// # Errors
/// The registry's.
pub async fn create(context: &Context, name: String, plan: tidegate_agentping::Plan) -> Result<Team, Failure> {
    let now = context.now();
    let team = Team {
        id: TeamId::mint(context.region, now, &context.ids.random()),
        name,
        plan,
        created_at: now,
        archived_at: None,
    };
    context.registry.create_team(team.clone()).await?;
    Ok(team)
}

/// The team that has the name. An archived one is refused: a script that asks for the team counts on its credentials.
async fn existing(registry: &dyn Registry, name: &str) -> Result<Option<Team>, Failure> {
    match resolve::find(registry, name).await? {
        Some(team) if team.archived_at.is_some() => {
            let id = team.id;
            Err(Failure::refused(format!("team '{name}' ({id}) is archived"))
                .hint(format!("bring it back with `tidegate teams restore {id}`, or choose another name")))
        }
        found => Ok(found),
    }
}

async fn set_archived(context: &mut Context, mut team: Team, archived: bool) -> Result<(), Failure> {
    let at = archived.then(|| context.now());
    context.registry.set_archived(team.id, at).await?;
    team.archived_at = at.map(|at| team.archived_at.unwrap_or(at));
    show(context, &team);
    if !context.json {
        let keys = if archived { "stop working" } else { "work again" };
        context.console.line(format_args!("its keys and tokens {keys} within seconds; its data stays"));
    }
    Ok(())
}

/// Earlier releases let two teams have one name.
fn report_namesakes(console: &mut Console, teams: &[&Team]) {
    let mut names: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    names.sort_unstable();
    for same in names.chunk_by(|one, other| one == other).filter(|same| same.len() > 1) {
        let (count, name) = (same.len(), same[0]);
        console.line(format_args!(
            "{count} teams are named '{name}': name one by its id, and rename it with `tidegate teams rename ID NAME`"
        ));
    }
}

fn state(team: &Team) -> String {
    team.archived_at.map_or_else(|| "active".to_owned(), |at| format!("archived {at}"))
}

fn check_name(name: &str) -> Result<(), Failure> {
    let fits = !name.trim().is_empty() && name.chars().take(NAME_CHARS + 1).count() <= NAME_CHARS;
    if !fits || name.chars().any(char::is_control) {
        return Err(Failure::config(format!("'{}' is no name for a team", name.escape_debug()))
            .hint(format!("give 1 to {NAME_CHARS} printable characters")));
    }
    // A name that reads as an id would make `--team` ambiguous.
    if TeamId::parse(name).is_ok() {
        return Err(Failure::config(format!("'{name}' is no name for a team: it has the form of a team's id"))
            .or_else("choose another"));
    }
    Ok(())
}

fn show(context: &mut Context, team: &Team) {
    if context.json {
        return context.console.json(&TeamJson::from(team));
    }
    let Limits { sustained_per_s, burst, events_per_month, agents } = team.plan.limits();
    let shown = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    context.console.line(format_args!("team    {}", team.id));
    context.console.line(format_args!("name    {}", team.name));
    context.console.line(format_args!("plan    {}", team.plan));
    if team.archived_at.is_some() {
        context.console.line(format_args!("state   {}", state(team)));
    }
    let (sustained, burst) = (shown(sustained_per_s.map(u64::from)), shown(burst.map(u64::from)));
    context.console.line(format_args!("rate    {sustained} requests per second, {burst} at once"));
    context.console.line(format_args!("events  {} per month", shown(events_per_month)));
    context.console.line(format_args!("agents  {}", shown(agents.map(u64::from))));
}
