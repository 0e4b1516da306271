//! The ports that admission uses.

use std::sync::Arc;

use tidegate_agentping_ports::{Agents, Credentials, Gate, Rates, RunQueries, StoredSummary};
use tidegate_ports::{Accounts, Append, Clock, ReadLag};
use tidegate_shedding::LagPorts;

/// The ports that admission uses. Each part of admission takes those that it uses.
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
    /// What the persisters state of each partition: how far it is applied, and where it is halted.
    pub accounts: Arc<dyn Accounts>,
}

impl AdmissionPorts {
    /// Those that the lag is read by.
    pub(crate) fn of_lag(&self) -> LagPorts {
        LagPorts {
            clock: Arc::clone(&self.clock),
            lag: Arc::clone(&self.lag),
            accounts: Arc::clone(&self.accounts),
            append: Arc::clone(&self.append),
        }
    }
}
