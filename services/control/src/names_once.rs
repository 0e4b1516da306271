//! What the names of a team's agents mean, looked up once for one request.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{AgentNames, TeamId};
use tidegate_agentping_ports::NamesOfTeams;
use tidegate_ports::StoreError;
use tokio::sync::OnceCell;

/// Looks up at most once what the names of one team's agents mean. It lives no longer than the request that it is for, so
/// that the next one finds every rename.
///
/// Whoever asks the API within the process hands it on in an [`Arc`], as an extension of the request.
pub struct NamesOnce {
    team: TeamId,
    names: Arc<dyn NamesOfTeams>,
    found: OnceCell<Arc<AgentNames>>,
}

impl NamesOnce {
    pub fn new(team: TeamId, names: Arc<dyn NamesOfTeams>) -> Self {
        NamesOnce { team, names, found: OnceCell::new() }
    }

    /// Of the team. Whoever asks while it is looked up waits for the same answer; a failure is not kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get(&self) -> Result<Arc<AgentNames>, StoreError> {
        self.found.get_or_try_init(|| self.names.of(self.team)).await.cloned()
    }
}

#[async_trait]
impl NamesOfTeams for NamesOnce {
    /// Another team's are looked up each time.
    async fn of(&self, team: TeamId) -> Result<Arc<AgentNames>, StoreError> {
        if team == self.team { self.get().await } else { self.names.of(team).await }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tidegate_agentping_testkit::team;

    use super::*;

    /// Counts how often it is asked, and fails so often at first.
    struct Counting {
        asked: AtomicUsize,
        failing: usize,
    }

    #[async_trait]
    impl NamesOfTeams for Counting {
        async fn of(&self, _: TeamId) -> Result<Arc<AgentNames>, StoreError> {
            let before = self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if before < self.failing { Err(StoreError::Unavailable("it is away".into())) } else { Ok(Arc::default()) }
        }
    }

    #[tokio::test]
    async fn names_are_looked_up_once_and_a_failure_is_not_kept() {
        let counting = Arc::new(Counting { asked: AtomicUsize::new(0), failing: 1 });
        let once = NamesOnce::new(team(1), counting.clone());
        assert!(once.of(team(1)).await.is_err());
        let (first, second, third) = tokio::join!(once.of(team(1)), once.get(), once.of(team(1)));
        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        assert_eq!(counting.asked.load(Ordering::SeqCst), 2);
        for _ in 0..2 {
            assert!(once.of(team(2)).await.is_ok());
        }
        assert_eq!(counting.asked.load(Ordering::SeqCst), 4, "another team's are not kept");
    }
}
