//! `tidegate agents`.

use std::time::Duration;

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::{AgentRow, Gate, GateDown};
use tokio::time::{Instant, sleep};

use super::rows::AgentJson;
use super::{Context, resolve};
use crate::cli::AgentsCommand;
use crate::failure::Failure;

/// The gate connects in the background; until it has, its calls fail.
const GATE_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(50);

pub async fn run(mut context: Context, command: AgentsCommand) -> Result<(), Failure> {
    match command {
        AgentsCommand::List { team, archived, .. } => {
            let team = resolve::team(&*context.registry, &team).await?;
            let all = context.registry.list_agents(team.id).await?;
            let counted = all.iter().filter(|row| !row.is_archived()).count();
            let rows: Vec<&AgentRow> = all.iter().filter(|row| archived || !row.is_archived()).collect();
            if context.json {
                context.console.json(&rows.iter().map(|row| AgentJson::of(team.id, row)).collect::<Vec<_>>());
                return Ok(());
            }
            context
                .console
                .table(["AGENT", "FIRST SEEN", "LAST SEEN", "STATE"], &rows.iter().map(line).collect::<Vec<_>>());
            let cap = team.plan.limits().agents.map_or_else(|| "no limit".to_owned(), |cap| format!("of {cap}"));
            context.console.line(format_args!("{counted} agents take a slot ({cap}, plan {})", team.plan));
        }
        AgentsCommand::Archive { agents, team, .. } => {
            let team = resolve::team(&*context.registry, &team).await?;
            let known = context.registry.list_agents(team.id).await?;
            // All or none: a misspelt one must not leave the others half done.
            if let Some(unknown) = agents.iter().find(|slug| known.iter().all(|row| row.slug != **slug)) {
                let of = &team.name;
                return Err(Failure::refused(format!("team '{of}' has no agent '{unknown}'"))
                    .hint(format!("`tidegate agents list --team {of}` shows those there are")));
            }
            let now = context.now();
            for slug in &agents {
                let archived = context.registry.archive_agent(team.id, slug.clone(), now).await;
                archived?;
                if let Some((gate, names)) = &context.gate {
                    let names = names.of(team.id).await?;
                    free_slot(&**gate, team.id, slug, names.key(slug)).await?;
                }
            }
            let all = context.registry.list_agents(team.id).await?;
            let rows: Vec<&AgentRow> = all.iter().filter(|row| agents.contains(&row.slug)).collect();
            if context.json {
                context.console.json(&rows.iter().map(|row| AgentJson::of(team.id, row)).collect::<Vec<_>>());
            } else {
                for row in rows {
                    let slug = &row.slug;
                    context
                        .console
                        .line(format_args!("archived {slug}; its slot is free within seconds, its runs stay"));
                }
            }
        }
    }
    Ok(())
}

/// The registry has it by then: the same command again continues from here.
async fn free_slot(gate: &dyn Gate, team: TeamId, slug: &Slug, key: &Slug) -> Result<(), Failure> {
    let give_up = Instant::now() + GATE_ANSWERS_WITHIN;
    loop {
        match gate.forget_agent(team, key.clone()).await {
            Ok(()) => return Ok(()),
            Err(_) if Instant::now() < give_up => sleep(ASK_AGAIN).await,
            Err(GateDown(cause)) => {
                return Err(Failure::unavailable(format!(
                    "'{slug}' is archived, and its slot is not free yet, as the gate does not answer ({cause})"
                ))
                .hint("run the same command again when it does")
                .caused_by(cause));
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
