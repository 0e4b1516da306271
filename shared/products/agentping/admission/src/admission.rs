//! Admission: puts its steps together and offers them to a front door.

use std::sync::Arc;

use tidegate_agentping::{CredentialHash, RunId, RunKey, TeamId, TeamRates};
use tidegate_shedding::{Appends, LagReader, LagWatch, ShedMetrics, Shedding};

use crate::accept::Accepting;
use crate::appending::Appending;
use crate::applied::Applied;
use crate::authenticate::Authenticator;
use crate::claiming::Claiming;
use crate::claims_watch::ClaimsWatch;
use crate::class::Class;
use crate::config::AdmissionConfig;
use crate::gate_access::GateAccess;
use crate::limiting::Limiting;
use crate::metrics::{self, SHED, SHED_PRESSURE};
use crate::ports::AdmissionPorts;
use crate::rates::RateCache;
use crate::refusal::Refusal;
use crate::store_access::StoreAccess;
use crate::submission::{Acceptance, Caller, Submission};

/// Decides who may write, and writes. One per front door.
pub struct Admission {
    authenticator: Authenticator,
    rates: RateCache,
    gate: Arc<GateAccess>,
    shedding: Arc<Shedding<Class>>,
    lag_watch: LagWatch<Class>,
    accepting: Accepting,
}

impl Admission {
    /// Registers its metrics: the process's recorder must be installed before.
    pub fn new(ports: AdmissionPorts, config: AdmissionConfig) -> Self {
        metrics::register();
        let timeouts = &config.timeouts;
        let (credentials, clock) = (Arc::clone(&ports.credentials), Arc::clone(&ports.clock));
        let authenticator = Authenticator::new(credentials, clock, &config);
        let health = authenticator.store_health();
        let rates = RateCache::new(&ports, &health, config.rates_fresh_ms, timeouts.store_ms);
        let store = Arc::new(StoreAccess::new(&ports, timeouts, health));
        let gate = Arc::new(GateAccess::new(&ports, &config, &store));
        let lag = Arc::new(LagReader::new(ports.of_lag()));
        let applied = Arc::new(Applied::new(Arc::clone(&lag), timeouts));
        let shed_metrics = ShedMetrics { pressure: &SHED_PRESSURE, refused: &SHED };
        let shedding = Arc::new(Shedding::new(Arc::clone(&ports.append), config.shed, shed_metrics));
        let claims_watch = ClaimsWatch { applied: Arc::clone(&applied), gate: Arc::clone(&ports.gate) };
        let limiting = Arc::new(Limiting::new(&ports, &gate, &shedding));
        Admission {
            authenticator,
            rates,
            lag_watch: LagWatch::new(config.shed, lag, Arc::clone(&shedding), Arc::new(claims_watch)),
            accepting: Accepting {
                claiming: Claiming::new(&ports, timeouts, &gate, &store, &applied, &limiting),
                appending: Appending::new(&ports, timeouts, &gate, &shedding),
                shedding: Arc::clone(&shedding),
                limiting,
                store,
            },
            gate,
            shedding,
        }
    }

    /// Who presents this credential: [`Authenticator::authenticate`].
    ///
    /// # Errors
    /// Its refusals.
    pub fn authenticate(&self, presented: Option<&str>) -> impl Future<Output = Result<Caller, Refusal>> + Send {
        self.authenticator.authenticate(presented)
    }

    /// Who holds the credential with this hash: [`Authenticator::holder`].
    ///
    /// # Errors
    /// Its refusals.
    pub fn holder(&self, hash: CredentialHash) -> impl Future<Output = Result<Caller, Refusal>> + Send {
        self.authenticator.holder(hash)
    }

    /// Whether a request of this class is refused because consumers are behind.
    ///
    /// # Errors
    /// [`Refusal::Shed`].
    pub fn shed(&self, class: Class) -> Result<(), Refusal> {
        Ok(self.shedding.shed(class)?)
    }

    /// Whether records of this run go to a partition that is halted. Where the server picks the run's id, it picks
    /// another one.
    pub fn stands_still(&self, team: TeamId, run: RunId) -> bool {
        self.shedding.is_halted(|| RunKey { team, run }.log_key())
    }

    /// The rates in force for a team: its own rows, then the shipped card.
    pub fn rates(&self, team: TeamId) -> impl Future<Output = Arc<TeamRates>> + Send {
        self.rates.of(team)
    }

    /// Rate and quota without claims, for a request whose body is faulty: the answer names that fault only if the gate
    /// does not refuse the request.
    ///
    /// # Errors
    /// [`Refusal::Rate`], [`Refusal::Quota`].
    pub fn charge(&self, caller: &Caller) -> impl Future<Output = Result<(), Refusal>> + Send {
        self.accepting.limiting.charge(caller)
    }

    /// Takes a request in: returns once its record is safe on the log, or all of it was stored before. Run it to its end even
    /// if the client leaves, so that claims are confirmed or released.
    ///
    /// # Errors
    /// Every [`Refusal`] but those of authentication and shedding. A refusal leaves nothing behind, except
    /// [`Refusal::OutcomeUnknown`].
    pub fn accept(
        &self,
        caller: &Caller,
        submission: Submission,
    ) -> impl Future<Output = Result<Acceptance, Refusal>> + Send {
        self.accepting.accept(caller, submission)
    }

    /// Learns how far each partition is accounted for, before the first record is taken: a record appended at an
    /// offset that is accounted for would never be applied. [`Admission::watch_lag`] learns what cannot be read within two
    /// seconds.
    pub async fn learn_accounts(&self) {
        self.lag_watch.learn_accounts().await;
    }

    /// Reads the consumers' lag about once a second until `stop` resolves, for [`Admission::shed`] and the gauges
    /// of lag: records, age, and by how much it sinks.
    pub async fn watch_lag(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        self.lag_watch.watch(stop).await;
    }

    /// Resolves once no confirmation is in progress. Each takes no longer than a question to the gate may. To be
    /// awaited before the process ends, as repeats are recognised by what is confirmed.
    pub async fn all_confirmed(&self) {
        self.gate.all_confirmed().await;
    }

    /// Whether the log takes records. It outlives the admission, and keeps none of its ports.
    pub fn appends(&self) -> Arc<Appends> {
        self.accepting.appending.appends()
    }
}
