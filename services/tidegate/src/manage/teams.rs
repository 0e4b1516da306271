//! `tidegate teams`.

use tidegate_agentping::{Limits, TeamId};
use tidegate_agentping_ports::{Registry, Team};

use super::rows::TeamJson;
use super::{Desk, plans, resolve};
use crate::cli::TeamsCommand;
use crate::page::Page;

const NAME_CHARS: usize = 128;

pub async fn run(mut desk: Desk, command: TeamsCommand) -> Result<(), String> {
    match command {
        TeamsCommand::Create { name, plan, if_missing, .. } => {
            check_name(&name)?;
            let plan = plans::chosen(&plan)?;
            let there = if if_missing { existing(&*desk.registry, &name).await? } else { None };
            let team = match there {
                Some(team) => team,
                None => create(&desk, name, plan).await?,
            };
            show(&mut desk, &team);
        }
        TeamsCommand::List { archived, .. } => {
            let all = desk.registry.list_teams().await.map_err(|error| error.to_string())?;
            let teams: Vec<&Team> = all.iter().filter(|team| archived || team.archived_at.is_none()).collect();
            if desk.json {
                desk.page.json(&teams.iter().map(|team| TeamJson::from(*team)).collect::<Vec<_>>());
            } else {
                let row = |team: &&Team| {
                    let created_at = team.created_at.to_string();
                    [team.id.to_string(), team.name.clone(), team.plan.to_string(), created_at, state(team)]
                };
                let rows: Vec<_> = teams.iter().map(row).collect();
                desk.page.table(["TEAM", "NAME", "PLAN", "CREATED", "STATE"], &rows);
                report_namesakes(&mut desk.page, &teams);
            }
        }
        TeamsCommand::Rename { team, name, .. } => {
            check_name(&name)?;
            let mut team = resolve::team(&*desk.registry, &team).await?;
            desk.registry.rename_team(team.id, name.clone()).await.map_err(|error| error.to_string())?;
            team.name = name;
            show(&mut desk, &team);
        }
        TeamsCommand::Archive { team, .. } => {
            let team = resolve::team(&*desk.registry, &team).await?;
            set_archived(&mut desk, team, true).await?;
        }
        TeamsCommand::Restore { team, .. } => {
            let team = resolve::team(&*desk.registry, &team).await?;
            set_archived(&mut desk, team, false).await?;
        }
        TeamsCommand::SetPlan { named, team, plan, .. } => {
            // The command line takes exactly one of both.
            let text = team.or(named).unwrap_or_default();
            let mut team = resolve::team(&*desk.registry, &text).await?;
            team.plan = plans::chosen(&plan)?;
            desk.registry.set_plan(team.id, team.plan).await.map_err(|error| error.to_string())?;
            show(&mut desk, &team);
        }
    }
    Ok(())
}

/// Makes a team.
///
/// # Errors
/// The registry's.
pub async fn create(desk: &Desk, name: String, plan: tidegate_agentping::Plan) -> Result<Team, String> {
    let now = desk.now();
    let team =
        Team { id: TeamId::mint(desk.region, now, &desk.ids.random()), name, plan, created_at: now, archived_at: None };
    desk.registry.create_team(team.clone()).await.map_err(|error| error.to_string())?;
    Ok(team)
}

/// The team that has the name; archived, it is not what a script counts on.
async fn existing(registry: &dyn Registry, name: &str) -> Result<Option<Team>, String> {
    match resolve::find(registry, name).await? {
        Some(team) if team.archived_at.is_some() => Err(format!(
            "team '{name}' ({}) is archived: bring it back with `tidegate teams restore {}`, or choose another name",
            team.id, team.id
        )),
        found => Ok(found),
    }
}

async fn set_archived(desk: &mut Desk, mut team: Team, archived: bool) -> Result<(), String> {
    let at = archived.then(|| desk.now());
    desk.registry.set_archived(team.id, at).await.map_err(|error| error.to_string())?;
    team.archived_at = at.map(|at| team.archived_at.unwrap_or(at));
    show(desk, &team);
    if !desk.json {
        let keys = if archived { "stop working" } else { "work again" };
        desk.page.line(format_args!("its keys and tokens {keys} within seconds; its data stays"));
    }
    Ok(())
}

/// Releases of before did not keep two teams from having one name.
fn report_namesakes(page: &mut Page, teams: &[&Team]) {
    let mut names: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    names.sort_unstable();
    for same in names.chunk_by(|one, other| one == other).filter(|same| same.len() > 1) {
        let (count, name) = (same.len(), same[0]);
        page.line(format_args!(
            "{count} teams are named '{name}': name one by its id, and rename it with `tidegate teams rename ID NAME`"
        ));
    }
}

fn state(team: &Team) -> String {
    team.archived_at.map_or_else(|| "active".to_owned(), |at| format!("archived {at}"))
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = !name.trim().is_empty() && name.chars().take(NAME_CHARS + 1).count() <= NAME_CHARS;
    if !fits || name.chars().any(char::is_control) {
        return Err(format!(
            "'{}' is no name for a team: give 1 to {NAME_CHARS} printable characters",
            name.escape_debug()
        ));
    }
    // A name that reads as an id would make `--team` ambiguous.
    if TeamId::parse(name).is_ok() {
        return Err(format!("'{name}' is no name for a team: it has the form of a team's id"));
    }
    Ok(())
}

fn show(desk: &mut Desk, team: &Team) {
    if desk.json {
        return desk.page.json(&TeamJson::from(team));
    }
    let Limits { sustained_per_s, burst, events_per_month, agents } = team.plan.limits();
    let told = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    desk.page.line(format_args!("team    {}", team.id));
    desk.page.line(format_args!("name    {}", team.name));
    desk.page.line(format_args!("plan    {}", team.plan));
    if team.archived_at.is_some() {
        desk.page.line(format_args!("state   {}", state(team)));
    }
    let (sustained, burst) = (told(sustained_per_s.map(u64::from)), told(burst.map(u64::from)));
    desk.page.line(format_args!("rate    {sustained} requests per second, {burst} at once"));
    desk.page.line(format_args!("events  {} per month", told(events_per_month)));
    desk.page.line(format_args!("agents  {}", told(agents.map(u64::from))));
}
