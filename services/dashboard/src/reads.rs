//! What every page needs: the ports, and asking the store with a deadline.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tidegate_agentping::{RunKey, Slug, TeamId};
use tidegate_agentping_ports::{NamesOfTeams, Registry, RegistryError, RunQueries, Team};
use tidegate_control::kept_answers::{KeptAnswers, lifetime_ms};
use tidegate_control::store_answer::store_answer;
use tidegate_door::{ByteBudget, Outcomes};
use tidegate_kernel::{Month, Outage, Timestamp};
use tidegate_ports::{Clock, Ids, StoreError};
use tokio::sync::Semaphore;

use crate::agent_days::Days;
use crate::endpoint::Endpoint;
use crate::holders::KeyHolders;
use crate::links::SignInLinks;
use crate::month_spend::SpendOfAgents;
use crate::problem::{Cause, Problem};
use crate::said::Reasons;
use crate::seen_run::Walk;
use crate::session::Sessions;
use crate::team_api::TeamApi;
use crate::teams::TeamNames;

pub(crate) struct Pages {
    /// Of the store, which knows agents by their keys: a [`Visit`](crate::visit::Visit) asks by their names.
    pub by_key: Arc<dyn RunQueries>,
    pub names: Arc<dyn NamesOfTeams>,
    pub registry: Arc<dyn Registry>,
    pub api: TeamApi,
    pub teams: TeamNames,
    pub reasons: Reasons,
    /// What agents did day by day.
    pub agent_days: KeptAnswers<(TeamId, Slug), Days>,
    /// What the agents of teams cost in a month.
    pub month_spend: KeptAnswers<(TeamId, Month), SpendOfAgents>,
    /// The runs among which the children of a run are.
    pub children: KeptAnswers<RunKey, Walk>,
    pub holders: Arc<dyn KeyHolders>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub outcomes: Outcomes<Endpoint, Cause>,
    pub places: Arc<Semaphore>,
    /// The bytes that forms may take.
    pub forms: ByteBudget,
    pub sessions: Sessions,
    pub links: SignInLinks,
    pub ingest_url: String,
    pub secure_cookies: bool,
    pub store_deadline: Duration,
    pub outage: Outage,
}

impl Pages {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits for the store's answer up to the deadline.
    pub async fn ask<T>(&self, query: impl Future<Output = Result<T, StoreError>>) -> Result<T, Problem> {
        Ok(store_answer(query, self.store_deadline, &self.outage, || self.now()).await?)
    }

    /// The same of the registry. What it refuses is a refusal of the page.
    pub async fn ask_registry<T>(&self, query: impl Future<Output = Result<T, RegistryError>>) -> Result<T, Problem> {
        let query = async {
            match query.await {
                Ok(answer) => Ok(Ok(answer)),
                Err(RegistryError::Store(error)) => Err(error),
                Err(refused) => Ok(Err(Problem::Declined(refused.to_string()))),
            }
        };
        self.ask(query).await?
    }

    /// The answer as it was kept, or else as it is now.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn kept<K: Eq + Hash, V>(
        &self,
        kept: &KeptAnswers<K, V>,
        question: K,
        ask: impl Future<Output = Result<V, Problem>>,
    ) -> Result<Arc<V>, Problem> {
        let asked = self.now();
        if let Some(known) = kept.known(&question, asked) {
            return Ok(known);
        }
        let answer = Arc::new(ask.await?);
        let at = self.now();
        kept.keep(question, at, lifetime_ms(asked, at), answer.clone());
        Ok(answer)
    }

    /// The team of a session; `None` if there is none any more. While the registry is down, as it was known before.
    ///
    /// # Errors
    /// The registry does not answer, and was never read.
    pub async fn team(&self, id: TeamId) -> Result<Option<Team>, Problem> {
        let now = self.now();
        if let Some(team) = self.teams.fresh(id, now) {
            return Ok(Some(team));
        }
        match (self.ask_registry(self.registry.list_teams()).await, self.teams.known(id)) {
            (Ok(teams), _) => {
                let team = teams.iter().find(|team| team.id == id).cloned();
                self.teams.keep(teams, now);
                Ok(team)
            }
            (Err(_), Some(known)) => Ok(known),
            (Err(problem), None) => Err(problem),
        }
    }
}
