//! `tidegate agents`.

use std::time::Duration;

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::{AgentRow, Gate, GateDown};
use tokio::time::{Instant, sleep};

use super::rows::AgentJson;
use super::{Desk, resolve};
use crate::cli::AgentsCommand;

/// The gate connects in the background, and says that it is down until it has.
const GATE_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(50);

pub async fn run(mut desk: Desk, command: AgentsCommand) -> Result<(), String> {
    match command {
        AgentsCommand::List { team, archived, .. } => {
            let team = resolve::team(&*desk.registry, &team).await?;
            let all = desk.registry.list_agents(team.id).await.map_err(|error| error.to_string())?;
            let counted = all.iter().filter(|row| !row.is_archived()).count();
            let rows: Vec<&AgentRow> = all.iter().filter(|row| archived || !row.is_archived()).collect();
            if desk.json {
                desk.page.json(&rows.iter().map(|row| AgentJson::of(team.id, row)).collect::<Vec<_>>());
                return Ok(());
            }
            desk.page.table(["AGENT", "FIRST SEEN", "LAST SEEN", "STATE"], &rows.iter().map(line).collect::<Vec<_>>());
            let cap = team.plan.limits().agents.map_or_else(|| "no limit".to_owned(), |cap| format!("of {cap}"));
            desk.page.line(format_args!("{counted} agents take a slot ({cap}, plan {})", team.plan));
        }
        AgentsCommand::Archive { agents, team, .. } => {
            let team = resolve::team(&*desk.registry, &team).await?;
            let known = desk.registry.list_agents(team.id).await.map_err(|error| error.to_string())?;
            // All or none: a misspelt one must not leave the others half done.
            if let Some(unknown) = agents.iter().find(|slug| known.iter().all(|row| row.slug != **slug)) {
                let of = &team.name;
                return Err(format!(
                    "team '{of}' has no agent '{unknown}': `tidegate agents list --team {of}` shows those there are"
                ));
            }
            let now = desk.now();
            for slug in &agents {
                let archived = desk.registry.archive_agent(team.id, slug.clone(), now).await;
                archived.map_err(|error| error.to_string())?;
                if let Some(gate) = &desk.gate {
                    free_slot(&**gate, team.id, slug).await?;
                }
            }
            let all = desk.registry.list_agents(team.id).await.map_err(|error| error.to_string())?;
            let rows: Vec<&AgentRow> = all.iter().filter(|row| agents.contains(&row.slug)).collect();
            if desk.json {
                desk.page.json(&rows.iter().map(|row| AgentJson::of(team.id, row)).collect::<Vec<_>>());
            } else {
                for row in rows {
                    let slug = &row.slug;
                    desk.page.line(format_args!("archived {slug}; its slot is free within seconds, its runs stay"));
                }
            }
        }
    }
    Ok(())
}

/// The registry has it by then: the same command again goes on from here.
async fn free_slot(gate: &dyn Gate, team: TeamId, slug: &Slug) -> Result<(), String> {
    let give_up = Instant::now() + GATE_ANSWERS_WITHIN;
    loop {
        match gate.forget_agent(team, slug.clone()).await {
            Ok(()) => return Ok(()),
            Err(_) if Instant::now() < give_up => sleep(ASK_AGAIN).await,
            Err(GateDown(cause)) => {
                return Err(format!(
                    "'{slug}' is archived, and its slot is not free yet, as the gate does not answer ({cause}): run the \
                     same command again when it does"
                ));
            }
        }
    }
}

fn line(row: &&AgentRow) -> [String; 4] {
    let last_seen = row.last_seen.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let state = match row.archived_at {
        Some(at) if row.is_archived() => format!("archived {at}"),
        _ => "active".to_owned(),
    };
    [row.slug.to_string(), row.first_seen.to_string(), last_seen, state]
}
