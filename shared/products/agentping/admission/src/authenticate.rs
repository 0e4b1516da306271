//! Who presents a credential: form, region, look-up, expiry, in this order (AgentPing: gate order).

use std::sync::Arc;

use tidegate_access::{Access, StoreHealth};
use tidegate_agentping::credential::CredentialError;
use tidegate_agentping::{Credential, CredentialHash, CredentialMistake};
use tidegate_agentping_ports::{CredentialRecord, Credentials};
use tidegate_kernel::Region;
use tidegate_ports::Clock;

use crate::config::AdmissionConfig;
use crate::refusal::Refusal;
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
    credentials: Arc<dyn Credentials>,
    access: Access<CredentialHash, CredentialRecord>,
}

impl Authenticator {
    pub fn new(credentials: Arc<dyn Credentials>, clock: Arc<dyn Clock>, config: &AdmissionConfig) -> Self {
        let expires_at = |record: &CredentialRecord| record.expires_at;
        let access = Access::new(clock, config.credentials, config.timeouts.store_ms, expires_at);
        Authenticator { region: config.region, credentials, access }
    }

    /// Whether look-ups hang: other reads of the same store would, too.
    pub(crate) fn store_health(&self) -> Arc<StoreHealth> {
        self.access.store_health()
    }

    /// Who presents this credential. It is hashed at once and never kept.
    ///
    /// # Errors
    /// The refusals of [`read`], [`Refusal::CredentialUnknown`], [`Refusal::CredentialUnavailable`].
    pub async fn authenticate(&self, presented: Option<&str>) -> Result<Caller, Refusal> {
        self.holder(read(presented, self.region)?.hash()).await
    }

    /// Who holds the credential with this hash: of a session, which keeps the hash of the key that began it.
    ///
    /// # Errors
    /// [`Refusal::CredentialUnknown`], [`Refusal::CredentialUnavailable`].
    pub async fn holder(&self, hash: CredentialHash) -> Result<Caller, Refusal> {
        let record = self.access.find(hash, || self.credentials.find(&hash)).await?;
        let CredentialRecord { team, plan, key, .. } = *record;
        let names = Arc::clone(&record.names);
        Ok(Caller { team, plan, scope: record.scope.clone(), key, credential: hash, names })
    }
}
