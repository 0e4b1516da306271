//! Rate and quota: what is charged without claims, and what the gate's refusals mean.

use std::sync::Arc;

use tidegate_agentping::Body;
use tidegate_agentping_ports::gate::{Refused, Ticket, Verdict};
use tidegate_kernel::Month;
use tidegate_ports::Clock;
use tidegate_shedding::{ShedCause, Shedding};

use crate::asking::Circumstances;
use crate::claims;
use crate::class::Class;
use crate::gate_access::GateAccess;
use crate::ports::AdmissionPorts;
use crate::refusal::Refusal;
use crate::submission::Caller;

/// What a team may send.
pub(crate) struct Limiting {
    clock: Arc<dyn Clock>,
    gate: Arc<GateAccess>,
    shedding: Arc<Shedding<Class>>,
}

impl Limiting {
    pub fn new(ports: &AdmissionPorts, gate: &Arc<GateAccess>, shedding: &Arc<Shedding<Class>>) -> Self {
        Limiting { clock: Arc::clone(&ports.clock), gate: Arc::clone(gate), shedding: Arc::clone(shedding) }
    }

    /// Rate and quota without claims, for a request whose body is faulty: the answer names that fault only if the gate
    /// does not refuse the request.
    ///
    /// # Errors
    /// [`Refusal::Rate`], [`Refusal::Quota`].
    pub async fn charge(&self, caller: &Caller) -> Result<(), Refusal> {
        let ask = || self.circumstances(true).plain_ask(caller, 0);
        match self.gate.ask(caller.team, ask).await {
            None => self.gate.take_local_share(caller),
            Some(Verdict::Refused(refused)) => Err(self.refusal(caller, refused, None)),
            Some(_) => Ok(()),
        }
    }

    /// Counts one unit for a record whose claims cost none, and adds it to its ticket.
    pub async fn count_unit(&self, caller: &Caller, held: &mut Ticket) {
        let ask = || self.circumstances(false).plain_ask(caller, 1);
        if let Some(Verdict::Admitted { ticket, .. }) = self.gate.ask(caller.team, ask).await {
            held.units += ticket.units;
            held.month = ticket.month;
        }
    }

    fn circumstances(&self, charge_rate: bool) -> Circumstances {
        Circumstances { now: self.clock.now(), steady: self.clock.steady(), applied_to: None, charge_rate }
    }

    /// The refusal for what the gate refused. `body`: of the request, if it has one that parses.
    pub fn refusal(&self, caller: &Caller, refused: Refused, body: Option<&Body>) -> Refusal {
        let limits = caller.plan.limits();
        match (refused, body.and_then(claims::agent)) {
            (Refused::Rate { retry_after_s }, _) => {
                Refusal::Rate { sustained_per_s: limits.sustained_per_s.unwrap_or(0), retry_after_s }
            }
            (Refused::Full, _) => {
                self.shedding.refuse(body.map_or(Class::Events, Class::of), ShedCause::Records).into()
            }
            (Refused::AgentCap { cap, .. }, Some(slug)) => {
                Refusal::AgentCap { cap, slug: slug.clone(), hints: Box::default() }
            }
            // A gate names the agent cap only to who names an agent.
            (Refused::Quota { .. } | Refused::AgentCap { .. }, _) => {
                let now = self.clock.now();
                let resets_at = Month::of(now).next().start();
                Refusal::Quota { resets_at, retry_after_s: resets_at.millis_since(now).div_ceil(1_000).max(1) }
            }
        }
    }
}
