//! Agents come from two sides: runs that were opened, and ping tokens that were made.

use std::collections::BTreeMap;

use tidegate_agentping::{Slug, TeamId};
use tidegate_kernel::Timestamp;

use super::AgentRow;
use crate::registry::agent_id;

/// Both sides' agents as one listing, by slug: first seen by whichever was first, last seen by whichever was last;
/// `archived` are the instants at which agents were archived.
pub fn union_of_agents(
    one: Vec<AgentRow>,
    other: Vec<AgentRow>,
    archived: &BTreeMap<Slug, Timestamp>,
) -> Vec<AgentRow> {
    let mut rows: BTreeMap<Slug, AgentRow> = BTreeMap::new();
    for row in one.into_iter().chain(other) {
        rows.entry(row.slug.clone()).and_modify(|known| known.absorb(&row)).or_insert(row);
    }
    for (slug, row) in &mut rows {
        row.archived_at = archived.get(slug).copied();
    }
    rows.into_values().collect()
}

impl AgentRow {
    /// One that was seen once.
    pub fn seen(team: TeamId, slug: Slug, at: Timestamp) -> Self {
        AgentRow { id: agent_id(team, &slug), slug, first_seen: at, last_seen: Some(at), archived_at: None }
    }

    /// Takes another sighting of the same agent in.
    pub fn absorb(&mut self, other: &AgentRow) {
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
    }

    /// Whether it takes no slot of its team's plan: it was archived, and no run of it was received since.
    pub fn is_archived(&self) -> bool {
        self.archived_at.is_some_and(|at| self.last_seen.is_none_or(|seen| seen <= at))
    }
}
