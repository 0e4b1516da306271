//! The names of teams: pages have them in their paths.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::{Registry, Team};
use tidegate_kernel::Timestamp;

use crate::problem::Problem;
use crate::reads::Pages;

/// How long a listing of the teams holds.
const FRESH_MS: u64 = 2_000;

type Listing = Arc<HashMap<TeamId, Team>>;

/// The teams as they were listed last.
pub(crate) struct TeamNames {
    registry: Arc<dyn Registry>,
    listed: RwLock<Option<(Timestamp, Listing)>>,
}

impl TeamNames {
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        TeamNames { registry, listed: RwLock::default() }
    }

    fn held(&self) -> Option<(Timestamp, Listing)> {
        self.listed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Pages {
    /// The team of a session; `None` if there is none any more. While the registry is down, as it was known before.
    ///
    /// # Errors
    /// The registry does not answer, and was never read.
    pub async fn team(&self, id: TeamId) -> Result<Option<Team>, Problem> {
        let (now, held) = (self.now(), self.teams.held());
        if let Some((at, teams)) = &held
            && now.millis_since(*at) < FRESH_MS
            && teams.contains_key(&id)
        {
            return Ok(teams.get(&id).cloned());
        }
        match (self.ask_registry(self.teams.registry.list_teams()).await, held) {
            (Ok(teams), _) => {
                let teams: Listing = Arc::new(teams.into_iter().map(|team| (team.id, team)).collect());
                *self.teams.listed.write().unwrap_or_else(PoisonError::into_inner) = Some((now, teams.clone()));
                Ok(teams.get(&id).cloned())
            }
            (Err(_), Some((_, teams))) => Ok(teams.get(&id).cloned()),
            (Err(problem), None) => Err(problem),
        }
    }
}
