//! What every request needs: the ports, and asking the store with a deadline.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tidegate_admission::{Caller, CredentialUses, RefusedAgents};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::gate::GateDown;
use tidegate_agentping_ports::{
    NamedRegistry, NamedRuns, NamesOfTeams, NotedAccounts, RefusedAgent, Registry, RegistryError, RunQueries,
};
use tidegate_door::{AnswerBudget, AnswerPermit, ByteBudget, Outcomes};
use tidegate_kernel::{Outage, Timestamp};
use tidegate_ports::{Clock, Ids, LogError, ReadLog, StoreError};
use tokio::time::timeout;

use crate::authenticate::Authenticate;
use crate::badges::shown::KeptBadges;
use crate::endpoint::Endpoint;
use crate::guard::Guard;
use crate::manage::TeamLimit;
use crate::management::Management;
use crate::problem::{Cause, Problem};
use crate::store_answer::store_answer;
use crate::weight::Weight;

/// When a deletion is to be tried again that the gate did not answer.
const GATE_RETRY_S: u64 = 2;

pub(crate) struct Reads {
    /// Of the store, which knows agents by their keys, as the registry does: [`Reads::named`] has both by names.
    pub by_key: Arc<dyn RunQueries>,
    pub names: Arc<dyn NamesOfTeams>,
    pub accounts: Arc<dyn NotedAccounts>,
    /// The log that receipts refer to; `None` where this process has none.
    pub log: Option<Arc<dyn ReadLog>>,
    pub callers: Arc<dyn Authenticate>,
    /// Which keys were used.
    pub uses: CredentialUses,
    /// Which new agents were refused at the cap of the plan.
    pub refused_agents: Arc<RefusedAgents>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub outcomes: Outcomes<Endpoint, Cause>,
    pub store_deadline: Duration,
    pub outage: Outage,
    /// How long a read may wait for what was on the log before it.
    pub settle_wait: Duration,
    /// How long after a rename every front door goes by it.
    pub rename_wait: Duration,
    pub budget: AnswerBudget,
    /// Since when reads get no permit of the budget.
    pub crowding: Outage,
    /// The bytes that bodies may take.
    pub bodies: ByteBudget,
    /// What teams manage.
    pub managed: Management,
    /// How many requests of the management API a team may send.
    pub limit: TeamLimit,
    /// What guard decides by.
    pub guard: Guard,
    pub badges: KeptBadges,
}

/// Runs and the registry by the names of agents.
pub(crate) struct Named {
    pub queries: Arc<dyn RunQueries>,
    pub registry: Arc<dyn Registry>,
}

impl Reads {
    /// Runs and the registry, where names mean what `names` says.
    pub fn named(&self, names: Arc<dyn NamesOfTeams>) -> Named {
        Named {
            queries: Arc::new(NamedRuns::new(self.by_key.clone(), names.clone())),
            registry: Arc::new(NamedRegistry::new(self.managed.registry.clone(), names)),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Notes that the caller's key was used. It is written in the background, and lost where the store does not answer: the
    /// next use is written.
    pub fn note_use(&self, caller: &Caller) {
        let now = self.now();
        self.uses.note(caller, now);
        let due = self.uses.take();
        if due.is_empty() {
            return;
        }
        let rows = self.managed.rows.clone();
        tokio::spawn(async move {
            if let Err(error) = rows.put(Arc::new(due), now).await {
                tracing::warn!(kind = %error.kind(), %error, "when keys were used cannot be written now");
            }
        });
    }

    /// Notes the agent that a change was refused for at the cap of the plan: the team is alerted. It is written in the
    /// background; where the store does not answer, the next refusal of an agent writes it.
    pub fn note_refused(&self, team: TeamId, problem: &Problem) {
        let Problem::AgentCap { cap, slug } = problem else { return };
        let Ok(agent) = Slug::parse(slug) else { return };
        let now = self.now();
        self.refused_agents.note(RefusedAgent { team, agent, cap: *cap, at: now });
        let (refused_agents, rows) = (self.refused_agents.clone(), self.managed.rows.clone());
        tokio::spawn(async move { refused_agents.write(&*rows, now).await });
    }

    /// A part of the bytes that answers may take.
    ///
    /// # Errors
    /// [`Problem::TooManyAnswers`]: there was none in time.
    pub async fn permit(&self, weight: Weight) -> Result<AnswerPermit, Problem> {
        match self.budget.permit(weight.bytes()).await {
            Some(permit) => {
                self.crowding.over();
                Ok(permit)
            }
            None => Err(Problem::TooManyAnswers { retry_after_s: self.crowding.failed(self.now()) }),
        }
    }

    /// Waits for the store's answer up to the deadline.
    pub async fn ask<T>(&self, query: impl Future<Output = Result<T, StoreError>>) -> Result<T, Problem> {
        Ok(store_answer(query, self.store_deadline, &self.outage, || self.now()).await?)
    }

    /// The same of the registry.
    pub async fn ask_registry<T>(&self, query: impl Future<Output = Result<T, RegistryError>>) -> Result<T, Problem> {
        // What the registry refuses is an answer of it.
        let query = async {
            match query.await {
                Ok(answer) => Ok(Ok(answer)),
                Err(error) => Problem::of_registry(error).map_or_else(|refused| Ok(Err(refused)), Err),
            }
        };
        self.ask(query).await?
    }

    /// The rows that the registry lists: none for a team that it does not have.
    pub async fn ask_list<T>(
        &self,
        query: impl Future<Output = Result<Vec<T>, RegistryError>>,
    ) -> Result<Vec<T>, Problem> {
        let query = async {
            match query.await {
                Err(RegistryError::NotFound { .. }) => Ok(Vec::new()),
                listed => listed,
            }
        };
        self.ask_registry(query).await
    }

    /// Archives an agent, and gives its slot back, which the gate knows by the agent's key. If the gate does not answer, the
    /// same again goes on from there.
    ///
    /// # Errors
    /// The registry's, and [`Problem::StoreUnavailable`] where the gate is down.
    pub async fn archive(&self, registry: &dyn Registry, team: TeamId, agent: Slug, key: Slug) -> Result<(), Problem> {
        self.ask_registry(registry.archive_agent(team, agent, self.now())).await?;
        let Some(gate) = &self.managed.gate else { return Ok(()) };
        // An outage of the gate is none of the store's.
        let freed = timeout(self.store_deadline, gate.forget_agent(team, key)).await;
        let cause = match freed {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(GateDown(cause))) => cause.to_string(),
            Err(_) => format!("no answer within {:?}", self.store_deadline),
        };
        let cause = format!("the gate, which has an archived agent's slot: {cause}");
        Err(Problem::StoreUnavailable { cause, retry_after_s: GATE_RETRY_S })
    }

    /// The same of the log.
    pub async fn ask_log<T>(&self, query: impl Future<Output = Result<T, LogError>>) -> Result<T, Problem> {
        let query = async {
            query.await.map_err(|error| match error {
                LogError::Unavailable(cause) => StoreError::Unavailable(cause),
                LogError::Broken(cause) => StoreError::Broken(cause),
            })
        };
        self.ask(query).await
    }
}
