//! Conservation of AgentGate: every command of its topic is accounted for, and every credit of its organizations.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tidegate_agentgate::AgentGate;
use tidegate_agentgate_api::CreditWatch;
use tidegate_conservation::Conservation;
use tidegate_control::conservation::ShowConservation;
use tidegate_decider::StoredDecisions;
use tidegate_kernel::command::Decider;
use tidegate_ports::{Ids, StoreError};

use crate::assemble::commands::DeciderPorts;
use crate::config::Config;

/// What counts and checks.
pub struct AgentGateConservation {
    pub commands: Arc<Conservation>,
    pub credits: Arc<CreditWatch>,
}

impl AgentGateConservation {
    pub fn new(config: &Config, ports: &DeciderPorts, ids: Arc<dyn Ids>) -> Self {
        let (commands, deadline) = (&ports.commands, config.control.store_deadline);
        let (facts, clock) = (commands.facts.clone(), commands.clock.clone());
        let decisions =
            StoredDecisions::<AgentGate>::new(ports.books.clone(), facts, ports.voids.clone(), clock.clone());
        let log = Some(ports.read_log.clone());
        let counting = Conservation::new(commands.accounts.clone(), log, clock.clone(), deadline)
            .with_samples(Arc::new(decisions), ids, config.control.sample_records)
            .of_api(AgentGate::API);
        let credits = CreditWatch::new(ports.books.clone(), commands.views.clone(), clock, deadline);
        AgentGateConservation { commands: Arc::new(counting), credits: Arc::new(credits) }
    }
}

#[async_trait]
impl ShowConservation for AgentGateConservation {
    async fn show(&self) -> Result<Value, StoreError> {
        let mut view = self.commands.shown().await?;
        if self.credits.is_off() {
            view["adds_up"] = json!(false);
        }
        view["credits"] = self.credits.shown();
        Ok(view)
    }
}
