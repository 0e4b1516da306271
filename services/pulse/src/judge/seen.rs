//! The agents of the registry, for a deployment that had runs before its first judge.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::{Registry, RegistryError};
use tidegate_kernel::Timestamp;
use tidegate_ports::{FailureCause, StoreError};

use super::SeenAgents;

/// Reads the agents of all teams.
pub struct RegistryAgents(pub Arc<dyn Registry>);

#[async_trait]
impl SeenAgents for RegistryAgents {
    async fn seen(&self) -> Result<Vec<(TeamId, Slug, Timestamp)>, StoreError> {
        let mut seen = Vec::new();
        for team in self.0.list_teams().await.map_err(of_store)? {
            let agents = self.0.list_agents(team.id).await.map_err(of_store)?;
            seen.extend(agents.into_iter().filter_map(|agent| Some((team.id, agent.slug, agent.last_seen?))));
        }
        Ok(seen)
    }
}

fn of_store(error: RegistryError) -> StoreError {
    match error {
        RegistryError::Store(error) => error,
        other => StoreError::Unavailable(FailureCause::refused(other.to_string()).caused_by(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use tidegate_ports::FailureKind;

    use super::*;

    #[test]
    fn what_the_registry_refuses_keeps_its_kind_and_its_source() {
        let error = of_store(RegistryError::NotFound { what: "team", id: "x".to_owned() });
        assert_eq!(error.kind(), FailureKind::Refused);
        let cause = error.source().expect("the cause");
        assert!(cause.source().is_some_and(|source| source.is::<RegistryError>()));
    }
}
