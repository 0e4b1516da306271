//! Who presents a credential: form, region, look-up, expiry, in this order (AgentPing: gate order).

use std::sync::Arc;

use tidegate_agentping::credential::CredentialError;
use tidegate_agentping::{Credential, CredentialMistake};
use tidegate_agentping_ports::Credentials;
use tidegate_kernel::{Outage, Region};
use tidegate_ports::Clock;

use crate::config::AdmissionConfig;
use crate::credential_cache::CredentialCache;
use crate::refusal::Refusal;
use crate::store_health::StoreHealth;
use crate::submission::Caller;

/// Reads a presented credential as far as that goes without a look-up.
///
/// # Errors
/// [`Refusal::CredentialMissing`], [`Refusal::CredentialMalformed`], [`Refusal::CredentialRegionUnknown`],
/// [`Refusal::RegionMismatch`].
pub fn read(presented: Option<&str>, endpoint: Region) -> Result<Credential, Refusal> {
    let text = presented.ok_or(Refusal::CredentialMissing)?;
    let credential = Credential::parse(text).map_err(|error| match error {
        CredentialError::Malformed => Refusal::CredentialMalformed { mistake: CredentialMistake::of(text) },
        CredentialError::UnknownRegion { region } => Refusal::CredentialRegionUnknown { region },
    })?;
    if credential.region() == endpoint {
        Ok(credential)
    } else {
        Err(Refusal::RegionMismatch { credential: credential.region(), endpoint })
    }
}

/// Admission's first step by itself: all that a service needs which only reads.
pub struct Authenticator {
    region: Region,
    clock: Arc<dyn Clock>,
    cache: CredentialCache,
    outage: Outage,
}

impl Authenticator {
    pub fn new(credentials: Arc<dyn Credentials>, clock: Arc<dyn Clock>, config: &AdmissionConfig) -> Self {
        let cache = CredentialCache::new(credentials, Arc::clone(&clock), config.credentials, config.timeouts.store_ms);
        Authenticator { region: config.region, clock, cache, outage: Outage::default() }
    }

    /// Whether look-ups hang: other reads of the same store would, too.
    pub(crate) fn store_health(&self) -> Arc<StoreHealth> {
        self.cache.store_health()
    }

    /// Who presents this credential. It is hashed at once and never kept.
    ///
    /// # Errors
    /// The refusals of [`read`], [`Refusal::CredentialUnknown`], [`Refusal::CredentialUnavailable`].
    pub async fn authenticate(&self, presented: Option<&str>) -> Result<Caller, Refusal> {
        let hash = read(presented, self.region)?.hash();
        let found = self.cache.find(hash).await.map_err(|error| {
            tracing::warn!(kind = %error.kind(), %error, "a credential cannot be looked up");
            Refusal::CredentialUnavailable { retry_after_s: self.outage.failed(self.clock.now()) }
        })?;
        let record = found.ok_or(Refusal::CredentialUnknown)?;
        if record.expires_at.is_some_and(|expires_at| expires_at <= self.clock.now()) {
            return Err(Refusal::CredentialUnknown);
        }
        Ok(Caller { team: record.team, plan: record.plan, scope: record.scope.clone() })
    }
}
