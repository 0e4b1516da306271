//! Who presents a credential: form, region, look-up, expiry, in this order (AgentPing: gate order).

use tidegate_domain::credential::CredentialError;
use tidegate_domain::{Credential, Region};

use crate::admission::Admission;
use crate::refusal::{RETRY_SOON_S, Refusal};
use crate::submission::Caller;

/// Reads a presented credential as far as that goes without a look-up.
///
/// # Errors
/// [`Refusal::CredentialMissing`], [`Refusal::CredentialMalformed`], [`Refusal::CredentialRegionUnknown`],
/// [`Refusal::RegionMismatch`].
pub fn read(presented: Option<&str>, endpoint: Region) -> Result<Credential, Refusal> {
    let text = presented.ok_or(Refusal::CredentialMissing)?;
    let credential = Credential::parse(text).map_err(|error| match error {
        CredentialError::Malformed => Refusal::CredentialMalformed,
        CredentialError::UnknownRegion { region } => Refusal::CredentialRegionUnknown { region },
    })?;
    if credential.region() == endpoint {
        Ok(credential)
    } else {
        Err(Refusal::RegionMismatch { credential: credential.region(), endpoint })
    }
}

impl Admission {
    /// Who presents this credential. It is hashed at once and never kept.
    ///
    /// # Errors
    /// The refusals of [`read`], [`Refusal::CredentialUnknown`], [`Refusal::CredentialUnavailable`].
    pub async fn authenticate(&self, presented: Option<&str>) -> Result<Caller, Refusal> {
        let hash = read(presented, self.config.region)?.hash();
        let found = self.credentials.find(hash).await.map_err(|error| {
            tracing::warn!(%error, "a credential cannot be looked up");
            Refusal::CredentialUnavailable { retry_after_s: RETRY_SOON_S }
        })?;
        let record = found.ok_or(Refusal::CredentialUnknown)?;
        if record.expires_at.is_some_and(|expires_at| expires_at <= self.ports.clock.now()) {
            return Err(Refusal::CredentialUnknown);
        }
        Ok(Caller { team: record.team, plan: record.plan, scope: record.scope.clone() })
    }
}
