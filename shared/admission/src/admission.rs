//! Admission itself: the ports it is built from. What it does stands in one file per step.

use std::sync::Arc;

use tidegate_domain::{TeamId, TeamRates};
use tidegate_ports::{Agents, Append, Clock, Credentials, Gate, Rates, ReadLag, RunQueries, StoredSummary};

use crate::config::AdmissionConfig;
use crate::refusal::Refusal;
use crate::shed::Class;
use crate::submission::{Acceptance, Caller, Submission};

/// The ports that admission stands on.
#[derive(Clone)]
pub struct AdmissionPorts {
    pub clock: Arc<dyn Clock>,
    pub credentials: Arc<dyn Credentials>,
    pub rates: Arc<dyn Rates>,
    pub agents: Arc<dyn Agents>,
    /// What the store counts of a month: the gate is seeded with it.
    pub usage: Arc<dyn RunQueries>,
    pub stored: Arc<dyn StoredSummary>,
    pub gate: Arc<dyn Gate>,
    pub append: Arc<dyn Append>,
    pub lag: Arc<dyn ReadLag>,
}

/// Decides who may write, and writes. One per front door.
pub struct Admission {
    pub(crate) ports: AdmissionPorts,
    pub(crate) config: AdmissionConfig,
}

impl Admission {
    pub fn new(ports: AdmissionPorts, config: AdmissionConfig) -> Self {
        Admission { ports, config }
    }

    /// Who presents this credential.
    ///
    /// # Errors
    /// The credential's refusals.
    pub async fn authenticate(&self, presented: Option<&str>) -> Result<Caller, Refusal> {
        let _ = presented.ok_or(Refusal::CredentialMissing)?;
        Err(Refusal::CredentialUnavailable { retry_after_s: 1 })
    }

    /// Whether a request of this class is to be refused because consumers are behind.
    ///
    /// # Errors
    /// [`Refusal::Shed`].
    pub fn shed(&self, class: Class) -> Result<(), Refusal> {
        let _ = (class, &self.config);
        Ok(())
    }

    /// Reads the consumers' lag about once a second until `stop` resolves.
    pub async fn watch_lag(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        stop.await;
    }

    /// Charges a request whose body is faulty: rate and quota line, no claims.
    ///
    /// # Errors
    /// [`Refusal::Rate`], [`Refusal::Quota`].
    pub async fn charge(&self, caller: &Caller) -> Result<(), Refusal> {
        let _ = caller;
        Ok(())
    }

    /// The rates in force for a team.
    pub async fn rates(&self, team: TeamId) -> Arc<TeamRates> {
        let _ = (team, &self.ports);
        Arc::default()
    }

    /// Takes a request in.
    ///
    /// # Errors
    /// Every [`Refusal`] but those of authentication and shedding.
    pub async fn accept(&self, caller: &Caller, submission: Submission) -> Result<Acceptance, Refusal> {
        let _ = (caller, submission);
        Err(Refusal::LogUnavailable { retry_after_s: 1 })
    }
}
