//! `tidegate teams`.

use tidegate_domain::{Limits, TeamId};
use tidegate_ports::Team;

use super::rows::TeamJson;
use super::{Desk, plans, resolve};
use crate::cli::TeamsCommand;

const NAME_CHARS: usize = 128;

pub async fn run(mut desk: Desk, command: TeamsCommand) -> Result<(), String> {
    match command {
        TeamsCommand::Create { name, plan, .. } => {
            check_name(&name)?;
            let team = create(&desk, name, plans::chosen(&plan)?).await?;
            show(&mut desk, &team);
        }
        TeamsCommand::List { .. } => {
            let teams = desk.registry.list_teams().await.map_err(|error| error.to_string())?;
            if desk.json {
                desk.page.json(&teams.iter().map(TeamJson::from).collect::<Vec<_>>());
            } else {
                let row = |team: &Team| {
                    [team.id.to_string(), team.name.clone(), team.plan.to_string(), team.created_at.to_string()]
                };
                desk.page.table(["TEAM", "NAME", "PLAN", "CREATED"], &teams.iter().map(row).collect::<Vec<_>>());
            }
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
pub async fn create(desk: &Desk, name: String, plan: tidegate_domain::Plan) -> Result<Team, String> {
    let now = desk.now();
    let team = Team { id: TeamId::mint(desk.region, now, &desk.ids.random()), name, plan, created_at: now };
    desk.registry.create_team(team.clone()).await.map_err(|error| error.to_string())?;
    Ok(team)
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
    let (sustained, burst) = (told(sustained_per_s.map(u64::from)), told(burst.map(u64::from)));
    desk.page.line(format_args!("rate    {sustained} requests per second, {burst} at once"));
    desk.page.line(format_args!("events  {} per month", told(events_per_month)));
    desk.page.line(format_args!("agents  {}", told(agents.map(u64::from))));
}
