//! The front door as a whole: what its handlers share.

use std::sync::Arc;

use tidegate_admission::{Admission, CredentialUses, RefusedAgents};
use tidegate_door::{Answered, ByteBudget, Draining, InFlight, Outcomes};
use tidegate_kernel::Outage;
use tidegate_ports::{Clock, Ids};

use crate::acked::Acked;
use crate::answers::Answer;
use crate::config::IngestConfig;
use crate::endpoint::{COUNTED, Endpoint};
use crate::openings::Openings;
use crate::refusal_table::Cause;

/// One front door.
pub struct Ingest {
    pub(crate) config: IngestConfig,
    pub(crate) admission: Arc<Admission>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) outcomes: Outcomes<Endpoint, Cause>,
    pub(crate) in_flight: InFlight,
    pub(crate) body_budget: ByteBudget,
    pub(crate) acked: Acked,
    pub(crate) openings: Arc<Openings>,
    pub(crate) credential_uses: Arc<CredentialUses>,
    pub(crate) refused_agents: Arc<RefusedAgents>,
    pub(crate) draining: Draining,
    /// Of places for requests, and of the bytes of their bodies: overload ends when nothing was refused for a while.
    pub(crate) places_outage: Outage,
    pub(crate) bytes_outage: Outage,
}

impl Ingest {
    /// Registers its metrics: the process's recorder must be installed before.
    pub fn new(config: IngestConfig, admission: Arc<Admission>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let in_flight = InFlight::new(config.max_in_flight);
        let body_budget = ByteBudget::new(config.max_body_bytes_in_flight);
        Ingest {
            config,
            admission,
            clock,
            ids,
            outcomes: Outcomes::register(COUNTED, Answer::OUTCOMES),
            in_flight,
            body_budget,
            acked: Acked::default(),
            openings: Arc::default(),
            credential_uses: Arc::default(),
            refused_agents: Arc::default(),
            draining: Draining::default(),
            places_outage: Outage::default(),
            bytes_outage: Outage::default(),
        }
    }

    /// How openings ended, for who reports it.
    pub fn openings(&self) -> Arc<Openings> {
        self.openings.clone()
    }

    /// Which credentials were used, for who reports it.
    pub fn credential_uses(&self) -> Arc<CredentialUses> {
        self.credential_uses.clone()
    }

    /// Which new agents were refused at the caps of plans, for who reports it.
    pub fn refused_agents(&self) -> Arc<RefusedAgents> {
        self.refused_agents.clone()
    }

    /// Requests in progress now, those included whose client has left.
    pub fn in_flight(&self) -> usize {
        self.in_flight.now()
    }
}
