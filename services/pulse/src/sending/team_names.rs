//! The names of teams, as messages have them: a copy of the registry's, in memory.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tidegate_agentping::TeamId;
use tidegate_agentping_alerts::FindTeamName;
use tidegate_agentping_ports::Registry;
use tokio::time::sleep;

const READ_EVERY: Duration = Duration::from_secs(10);

/// The copy. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct TeamNames(Arc<RwLock<HashMap<TeamId, String>>>);

impl TeamNames {
    /// Looks names up in the copy.
    pub fn find(&self) -> FindTeamName {
        let names = self.0.clone();
        // A map is replaced whole, so that a panic leaves none half changed.
        Arc::new(move |team| names.read().unwrap_or_else(PoisonError::into_inner).get(&team).cloned())
    }

    /// Follows the registry until `shutdown` completes.
    pub async fn follow(self, registry: Arc<dyn Registry>, shutdown: impl Future<Output = ()>) {
        let following = async {
            loop {
                match registry.list_teams().await {
                    Ok(teams) => {
                        let names = teams.into_iter().map(|team| (team.id, team.name)).collect();
                        *self.0.write().unwrap_or_else(PoisonError::into_inner) = names;
                    }
                    Err(error) => tracing::warn!(%error, "the names of teams cannot be read now"),
                }
                sleep(READ_EVERY).await;
            }
        };
        tokio::select! {
            () = following => {}
            () = shutdown => {}
        }
    }
}
