//! Whether an agent's messages to a route are muted. Pure.

use tidegate_agentping::Slug;
use tidegate_agentping_pulse::Definition;
use tidegate_agentping_pulse::preview::next_slots;
use tidegate_agentping_settings::kinds::WHOLE_TEAM;
use tidegate_agentping_settings::{Maintenance, TeamSettings};
use tidegate_kernel::{SmolStr, Timestamp};

/// Whether a mute of the agent with this key, of the route or the team is in force at `now`, or a maintenance window of the agent or the team.
pub fn is_muted(settings: &TeamSettings, agent: Option<&Slug>, route: &str, now: Timestamp) -> bool {
    let name = agent.map(|key| settings.names.name(key));
    let holds = |name: &str| settings.mutes.get(name).is_some_and(|mute| mute.holds(now));
    let of_agent = |agent: &Slug| holds(&format!("agent/{}", agent.as_str()));
    let muted = holds(WHOLE_TEAM) || holds(&format!("route/{route}")) || name.is_some_and(of_agent);
    muted || is_maintained(settings, agent, now)
}

/// Whether a maintenance window of the agent or its team is in force.
pub fn is_maintained(settings: &TeamSettings, agent: Option<&Slug>, now: Timestamp) -> bool {
    let name = agent.map(|key| settings.names.name(key));
    let own = name.and_then(|name| settings.agents.get(name)).map(|own| own.maintenance.as_slice());
    settings.team.maintenance.iter().chain(own.unwrap_or_default()).any(|window| holds(window, now))
}

/// A window begins at each instant of its cron expression and lasts for its duration.
fn holds(window: &Maintenance, now: Timestamp) -> bool {
    let Some(definition) = definition(window) else { return false };
    let before = now.plus_millis(-i64::from(window.duration_s) * 1_000);
    next_slots(&definition, before, 1).first().is_some_and(|slot| slot.at <= now)
}

/// A window's times are those of a schedule.
fn definition(window: &Maintenance) -> Option<Definition> {
    let text = |value: &SmolStr| serde_json::Value::from(value.as_str());
    let members = [("cron", text(&window.cron)), ("timezone", text(&window.timezone))];
    Definition::parse(&members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).ok()
}
