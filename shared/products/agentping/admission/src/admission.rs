//! Admission itself: the ports it is built from and what it keeps. What it does stands in one file per step.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use tidegate_kernel::Outage;
use tidegate_ports::{Accounts, Agents, Append, Clock, Credentials, Gate, Rates, ReadLag, RunQueries, StoredSummary};

use crate::agent_slots::AgentSlots;
use crate::appends::Appends;
use crate::authenticate::Authenticator;
use crate::config::AdmissionConfig;
use crate::gatekeeping::GateHealth;
use crate::giving_back::GivingBack;
use crate::lag_watch::{Applied, LastStated};
use crate::local_share::LocalShare;
use crate::metric_names;
use crate::rates::RateCache;
use crate::shed_gauge::ShedGauge;
use crate::store_health::StoreHealth;

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
    /// What the persisters state of each partition: how far it is applied, and where it stands still.
    pub accounts: Arc<dyn Accounts>,
}

/// Decides who may write, and writes. One per front door.
pub struct Admission {
    pub(crate) ports: AdmissionPorts,
    pub(crate) config: AdmissionConfig,
    pub(crate) authenticator: Authenticator,
    pub(crate) rate_cache: RateCache,
    pub(crate) gate_health: GateHealth,
    pub(crate) local_share: LocalShare,
    pub(crate) giving_back: GivingBack,
    pub(crate) store_health: Arc<StoreHealth>,
    pub(crate) applied: Applied,
    pub(crate) shed_gauge: ShedGauge,
    pub(crate) log_outage: Outage,
    pub(crate) store_outage: Outage,
    /// Refusals because of another request under way.
    pub(crate) undecided: AtomicU32,
    pub(crate) agent_slots: AgentSlots,
    pub(crate) stated: LastStated,
    pub(crate) appends: Arc<Appends>,
}

impl Admission {
    /// Registers its metrics: the process's recorder must be installed before.
    pub fn new(ports: AdmissionPorts, config: AdmissionConfig) -> Self {
        metric_names::register();
        let store_ms = config.timeouts.store_ms;
        let clock = || Arc::clone(&ports.clock);
        let authenticator = Authenticator::new(Arc::clone(&ports.credentials), clock(), &config);
        let store_health = authenticator.store_health();
        let rate_cache = RateCache::new(&ports, &store_health, config.rates_fresh_ms, store_ms);
        Admission {
            authenticator,
            rate_cache,
            gate_health: GateHealth::new(config.confirms_max),
            local_share: LocalShare::default(),
            giving_back: GivingBack::default(),
            store_health,
            applied: Applied::default(),
            shed_gauge: ShedGauge::register(),
            log_outage: Outage::default(),
            store_outage: Outage::default(),
            undecided: AtomicU32::new(0),
            agent_slots: AgentSlots::new(),
            stated: LastStated::default(),
            appends: Arc::default(),
            ports,
            config,
        }
    }

    /// Whether the log takes records. It outlives the admission, and keeps none of its ports.
    pub fn appends(&self) -> Arc<Appends> {
        self.appends.clone()
    }
}
