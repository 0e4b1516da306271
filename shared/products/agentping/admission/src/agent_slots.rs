//! Teams near their plan's cap of agents: a refusal says what helps, and a warning comes before that, when a team has
//! four fifths of its agents.
//!
//! A refusal may read the store, once for each team and [`LIST_FRESH`]; what is admitted never does.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tidegate_agentping::{Scope, TeamId};
use tidegate_agentping_ports::Gate;
use tidegate_agentping_ports::gate::Ticket;
use tidegate_agentping_ports::runs::AgentRow;

use crate::agent_hints::AgentHints;
use crate::metrics::AGENT_CAP_WARNINGS;
use crate::ports::AdmissionPorts;
use crate::refusal::Refusal;
use crate::store_access::StoreAccess;
use crate::submission::Caller;

/// How long a team's agents are used before they are read again.
const LIST_FRESH: Duration = Duration::from_secs(10);
const LISTS_MAX: u64 = 1_000;

/// What is kept of teams near their caps.
pub(crate) struct AgentSlots {
    gate: Arc<dyn Gate>,
    gate_deadline: Duration,
    store: Arc<StoreAccess>,
    lists: Cache<TeamId, Arc<Vec<AgentRow>>>,
    /// Teams that were warned of, or whose count is being asked.
    warned: Arc<Mutex<HashSet<TeamId>>>,
}

impl AgentSlots {
    /// Asks the gate in the background, each time for at most `gate_ms`.
    pub fn new(ports: &AdmissionPorts, gate_ms: u64, store: &Arc<StoreAccess>) -> Self {
        AgentSlots {
            gate: Arc::clone(&ports.gate),
            gate_deadline: Duration::from_millis(gate_ms),
            store: Arc::clone(store),
            lists: Cache::builder().max_capacity(LISTS_MAX).time_to_live(LIST_FRESH).build(),
            warned: Arc::default(),
        }
    }

    /// Adds what helps to a refusal at the cap. Names of the team are for its own API keys: a ping token knows one
    /// agent.
    pub async fn with_hints(&self, caller: &Caller, refusal: Refusal) -> Refusal {
        let Refusal::AgentCap { cap, slug, hints } = refusal else { return refusal };
        if caller.scope != Scope::Team {
            return Refusal::AgentCap { cap, slug, hints };
        }
        let agents = self.agents_of(caller.team).await;
        let rows = agents.iter().map(|row| AgentRow { slug: caller.names.name(&row.slug).clone(), ..row.clone() });
        let hints = Box::new(AgentHints::of(caller.names.name(&slug), &rows.collect::<Vec<_>>()));
        Refusal::AgentCap { cap, slug, hints }
    }

    /// The agents that take a slot; none where the store does not answer in time, or is just being asked.
    async fn agents_of(&self, team: TeamId) -> Arc<Vec<AgentRow>> {
        if let Some(known) = self.lists.get(&team) {
            return known;
        }
        self.lists.insert(team, Arc::default());
        let mut rows = self.store.agents_at_once(team).await;
        rows.retain(|row| !row.is_archived());
        let rows = Arc::new(rows);
        self.lists.insert(team, Arc::clone(&rows));
        rows
    }

    /// If the admitted request names an agent that was not known: asks in the background whether the team nears its
    /// cap, and warns once for each team and process.
    pub fn watch(&self, caller: &Caller, ticket: &Ticket) {
        let Some(cap) = ticket.new_agent.as_ref().and(caller.plan.limits().agents) else { return };
        let team = caller.team;
        if !lock(&self.warned).insert(team) {
            return;
        }
        let (gate, warned, deadline) = (Arc::clone(&self.gate), Arc::clone(&self.warned), self.gate_deadline);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_are_near() {
        for (agents, cap, near) in
            [(7, 10, false), (8, 10, true), (39, 50, false), (40, 50, true), (0, 1, false), (1, 1, true), (0, 0, true)]
        {
            assert_eq!(is_near(agents, cap), near, "{agents} of {cap}");
        }
    }
}
