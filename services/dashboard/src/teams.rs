//! The names of teams: pages have them in their paths.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::Team;
use tidegate_kernel::Timestamp;

/// How long a listing of the teams holds.
const FRESH_MS: u64 = 2_000;

/// The teams as they were listed last.
#[derive(Default)]
pub(crate) struct TeamNames(RwLock<Option<(Timestamp, HashMap<TeamId, Team>)>>);

impl TeamNames {
    /// A team that was listed a moment ago.
    pub fn fresh(&self, id: TeamId, now: Timestamp) -> Option<Team> {
        let listed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (_, teams) = listed.as_ref().filter(|(at, _)| now.millis_since(*at) < FRESH_MS)?;
        teams.get(&id).cloned()
    }

    /// A team as it was listed at any time; `None`: nothing was listed yet.
    pub fn known(&self, id: TeamId) -> Option<Option<Team>> {
        let listed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        listed.as_ref().map(|(_, teams)| teams.get(&id).cloned())
    }

    /// Keeps a listing.
    pub fn keep(&self, teams: Vec<Team>, now: Timestamp) {
        let teams = teams.into_iter().map(|team| (team.id, team)).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((now, teams));
    }
}
