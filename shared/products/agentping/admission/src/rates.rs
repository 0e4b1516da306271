//! A team's rates, read through a short-lived cache. While the store is down, pricing uses the last card known, else
//! the shipped one.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tidegate_access::{Coalesce, StoreHealth};
use tidegate_agentping::{RateCard, TeamId, TeamRates};
use tidegate_agentping_ports::Rates;
use tidegate_kernel::Timestamp;
use tidegate_ports::Clock;
use tokio::time::Instant;

use crate::ports::AdmissionPorts;

const TEAMS_MAX: u64 = 10_000;

/// The cache, and where it reads.
pub(crate) struct RateCache {
    source: Arc<dyn Rates>,
    clock: Arc<dyn Clock>,
    health: Arc<StoreHealth>,
    fresh_ms: u64,
    read_within_ms: u64,
    shipped: Arc<RateCard>,
    /// With when each was last asked for.
    known: Cache<TeamId, (Arc<TeamRates>, Timestamp)>,
    reads: Coalesce<TeamId, Arc<TeamRates>>,
}

impl RateCache {
    pub fn new(ports: &AdmissionPorts, health: &Arc<StoreHealth>, fresh_ms: u64, read_within_ms: u64) -> Self {
        let shipped = Arc::new(RateCard::shipped());
        let (known, reads) = (Cache::new(TEAMS_MAX), Coalesce::default());
        let (source, clock, health) = (Arc::clone(&ports.rates), Arc::clone(&ports.clock), Arc::clone(health));
        RateCache { source, clock, health, fresh_ms, read_within_ms, shipped, known, reads }
    }

    /// The rates in force for a team: its own rows, then the shipped card.
    pub async fn of(&self, team: TeamId) -> Arc<TeamRates> {
        let now = self.clock.now();
        let known = self.known.get(&team);
        match known {
            Some((rates, at)) if at <= now && now.millis_since(at) < self.fresh_ms => rates,
            Some((rates, _)) if self.health.is_resting() => rates,
            known => self.reads.run(team, || self.read(team, known.map(|(rates, _)| rates))).await,
        }
    }

    async fn read(&self, team: TeamId, known: Option<Arc<TeamRates>>) -> Arc<TeamRates> {
        let (began, deadline) = (Instant::now(), Duration::from_millis(self.read_within_ms));
        let rates = match tokio::time::timeout(deadline, self.source.own_rates(team)).await {
            Ok(Ok(own)) => Arc::new(TeamRates { own: RateCard::clone(&own), shipped: Arc::clone(&self.shipped) }),
            failed => {
                self.health.failed(began, deadline);
                let cause = failed.map_or_else(|_| "it took too long".to_owned(), |answer| format!("{answer:?}"));
                tracing::warn!(cause, "a team's rates cannot be read: pricing with what is known");
                let shipped = || TeamRates { own: RateCard::default(), shipped: Arc::clone(&self.shipped) };
                known.unwrap_or_else(|| Arc::new(shipped()))
            }
        };
        self.known.insert(team, (Arc::clone(&rates), self.clock.now()));
        rates
    }
}
