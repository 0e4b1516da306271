//! Agents near the plan's cap. What a refusal says to help: names near the one refused, and the agents that were not seen
//! for longest. And a warning before it comes to that, when a team has four fifths of its agents.
//!
//! A refusal may read the store, once for each team and [`LIST_FRESH`]; what is admitted never does.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tidegate_agentping::{Scope, Slug, TeamId};
use tidegate_agentping_ports::{AgentRow, Ticket};
use tidegate_kernel::Timestamp;

use crate::admission::Admission;
use crate::metrics::AGENT_CAP_WARNINGS;
use crate::refusal::Refusal;
use crate::submission::Caller;

/// How long a team's agents are used before they are read again.
const LIST_FRESH: Duration = Duration::from_secs(10);
const LISTS_MAX: u64 = 1_000;
/// Names of each kind in one refusal, so that its text stays short.
const NAMES_MAX: usize = 3;
/// A team may have more agents than are worth comparing.
const COMPARED_MAX: usize = 1_000;
/// Letters that may differ, in a slug that has at least [`LONG`] of them; in a shorter one, one.
const TYPOS_MAX: usize = 2;
const LONG: usize = 6;

/// What helps at the cap. Empty where the store did not answer in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentHints {
    /// Agents of the team whose slugs are near the refused one, the nearest first.
    pub near: Vec<Slug>,
    /// The agents that were not seen for longest, each with when a run of it was last received.
    pub longest_unseen: Vec<(Slug, Option<Timestamp>)>,
}

/// What is kept of teams near their caps.
pub(crate) struct AgentSlots {
    lists: Cache<TeamId, Arc<Vec<AgentRow>>>,
    /// Teams that were warned of, or whose count is being asked.
    warned: Arc<Mutex<HashSet<TeamId>>>,
}

impl AgentSlots {
    pub fn new() -> Self {
        let lists = Cache::builder().max_capacity(LISTS_MAX).time_to_live(LIST_FRESH).build();
        AgentSlots { lists, warned: Arc::default() }
    }
}

impl Admission {
    /// Adds what helps to a refusal at the cap. Names of the team are for its own API keys: a ping token knows one agent.
    pub(crate) async fn with_agent_hints(&self, caller: &Caller, refusal: Refusal) -> Refusal {
        let Refusal::AgentCap { cap, slug, hints } = refusal else { return refusal };
        if caller.scope != Scope::Team {
            return Refusal::AgentCap { cap, slug, hints };
        }
        let agents = self.agents_of(caller.team).await;
        let hints = Box::new(AgentHints::of(&slug, &agents));
        Refusal::AgentCap { cap, slug, hints }
    }

    /// The agents that take a slot; none where the store does not answer in time, or is just being asked.
    async fn agents_of(&self, team: TeamId) -> Arc<Vec<AgentRow>> {
        let lists = &self.agent_slots.lists;
        if let Some(known) = lists.get(&team) {
            return known;
        }
        lists.insert(team, Arc::default());
        let deadline = Duration::from_millis(self.config.timeouts.store_extra_ms);
        let rows = tokio::time::timeout(deadline, self.ports.usage.agents(team)).await;
        let mut rows = rows.ok().and_then(Result::ok).unwrap_or_default();
        rows.retain(|row| !row.is_archived());
        let rows = Arc::new(rows);
        lists.insert(team, Arc::clone(&rows));
        rows
    }

    /// If the record admitted names an agent that was not known: whether the team nears its cap is asked in the background,
    /// and said once for each team and process.
    pub(crate) fn watch_agents(&self, caller: &Caller, ticket: &Ticket) {
        let Some(cap) = ticket.new_agent.as_ref().and(caller.plan.limits().agents) else { return };
        let team = caller.team;
        if !lock(&self.agent_slots.warned).insert(team) {
            return;
        }
        let (gate, warned) = (Arc::clone(&self.ports.gate), Arc::clone(&self.agent_slots.warned));
        let deadline = Duration::from_millis(self.config.timeouts.gate_ms);
        tokio::spawn(async move {
            let asked = tokio::time::timeout(deadline, gate.agents(team)).await;
            let agents = asked.ok().and_then(Result::ok).flatten().unwrap_or(0);
            if !is_near(agents, cap) {
                lock(&warned).remove(&team);
                return;
            }
            AGENT_CAP_WARNINGS.handle().increment(1);
            // Once for each team, so no repeat of another one's: warnings of one cause are held back.
            tracing::info!(
                %team,
                agents,
                cap,
                "a team nears the agents that its plan allows: beyond them new ones are refused; `tidegate agents list` \
                 shows which are not used, `tidegate agents archive` frees their slots"
            );
        });
    }
}

/// Four fifths, and for small caps at least the last slot.
fn is_near(agents: u64, cap: u32) -> bool {
    agents.saturating_mul(5) >= u64::from(cap).saturating_mul(4)
}

fn lock(warned: &Mutex<HashSet<TeamId>>) -> std::sync::MutexGuard<'_, HashSet<TeamId>> {
    // A set is whole after a panic elsewhere.
    warned.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AgentHints {
    fn of(refused: &Slug, agents: &[AgentRow]) -> Self {
        let allowed = if refused.as_str().chars().count() < LONG { 1 } else { TYPOS_MAX };
        let distance = |row: &AgentRow| strsim::osa_distance(refused.as_str(), row.slug.as_str());
        let mut near: Vec<(usize, &Slug)> = agents
            .iter()
            .take(COMPARED_MAX)
            .map(|row| (distance(row), &row.slug))
            .filter(|(distance, _)| *distance <= allowed)
            .collect();
        near.sort_unstable();
        let mut by_sight: Vec<&AgentRow> = agents.iter().collect();
        by_sight.sort_unstable_by_key(|row| (row.last_seen, row.first_seen, &row.slug));
        AgentHints {
            near: near.into_iter().take(NAMES_MAX).map(|(_, slug)| slug.clone()).collect(),
            longest_unseen: by_sight.iter().take(NAMES_MAX).map(|row| (row.slug.clone(), row.last_seen)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_ports::registry::agent_id;
    use tidegate_kernel::{Region, Timestamp};

    use super::*;

    fn agent(slug: &str, last_seen_ms: Option<i64>) -> AgentRow {
        let at = Timestamp::from_millis;
        let slug = Slug::parse(slug).unwrap();
        let id = agent_id(TeamId::mint(Region::Eu, at(1_000), &[7; 10]), &slug);
        AgentRow { id, slug, first_seen: at(5), last_seen: last_seen_ms.map(at), archived_at: None }
    }

    fn hints(refused: &str, agents: &[AgentRow]) -> (Vec<String>, Vec<String>) {
        let AgentHints { near, longest_unseen } = AgentHints::of(&Slug::parse(refused).unwrap(), agents);
        let words = |slug: &Slug| slug.to_string();
        (near.iter().map(words).collect(), longest_unseen.iter().map(|(slug, _)| words(slug)).collect())
    }

    #[test]
    fn near_names_come_nearest_first_and_the_others_by_when_they_were_seen() {
        let agents = [
            agent("nightly", Some(90)),
            agent("nightly-2", Some(30)),
            agent("hourly", Some(20)),
            agent("nigthly", None),
            agent("weekly", Some(10)),
        ];
        // Swapped letters are one mistake.
        assert_eq!(hints("nihgtly", &agents).0, ["nightly", "nigthly"]);
        assert_eq!(hints("nightlyy", &agents).0, ["nightly", "nightly-2", "nigthly"]);
        assert_eq!(hints("unlike", &agents), (vec![], vec!["nigthly".into(), "weekly".into(), "hourly".into()]));
        let short = [agent("a", None), agent("ab", None), agent("b", None), agent("abc", None)];
        assert_eq!(hints("abd", &short).0, ["ab", "abc"], "one letter of a short one");
        assert_eq!(hints("x", &[]), (vec![], vec![]));
    }

    #[test]
    fn four_fifths_are_near() {
        for (agents, cap, near) in
            [(7, 10, false), (8, 10, true), (39, 50, false), (40, 50, true), (0, 1, false), (1, 1, true), (0, 0, true)]
        {
            assert_eq!(is_near(agents, cap), near, "{agents} of {cap}");
        }
    }
}
