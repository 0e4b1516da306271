//! Whose key a request was sent with, and what its organization may do.

use std::sync::Arc;

use http::HeaderMap;
use tidegate_access::{Access, AccessRefusal, CredentialTimes};
use tidegate_agentgate::command::KeyUse;
use tidegate_agentgate::views::{self, CredentialRow, OrganizationRow};
use tidegate_agentgate::{KeyId, KeyedHash, OrgId, Owner, Scopes};
use tidegate_door::BearerKey;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, FailureCause, StoreError, Views};

use crate::credential::{is_client_key, is_worker_key};
use crate::refusal::{Refusal, Why};
use crate::secrets::Secrets;

/// What was looked up holds for so long: a revocation holds everywhere within 2 s.
const FRESH_MS: u64 = 1_000;

/// A client's key that is good.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub org: OrgId,
    pub key: KeyId,
    pub scopes: Scopes,
    pub requests_per_minute: u32,
    pub submissions_per_minute: u32,
    /// When its organization was made: nothing of it is older.
    pub created_at: Timestamp,
}

/// A worker's key that is good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worker {
    pub key: KeyId,
    /// `None`: it serves every organization.
    pub org: Option<OrgId>,
}

/// A key as it is stored, with its organization.
struct KeyRecord {
    row: CredentialRow,
    /// `None` of a key of the fleet.
    organization: Option<OrganizationRow>,
}

/// Finds callers by their keys.
pub(crate) struct Callers {
    views: Arc<dyn Views>,
    secrets: Secrets,
    access: Access<KeyedHash, KeyRecord>,
}

impl Callers {
    pub fn new(views: Arc<dyn Views>, secrets: Secrets, clock: Arc<dyn Clock>, look_up_within_ms: u64) -> Self {
        // Without the store nothing can be read or decided, so a key that is remembered is of no use.
        let times = CredentialTimes {
            fresh_ms: FRESH_MS,
            missing_fresh_ms: FRESH_MS,
            stale_ms: FRESH_MS,
            ..CredentialTimes::default()
        };
        Callers { views, secrets, access: Access::new(clock, times, look_up_within_ms, |_| None) }
    }

    /// Who sends a request: 401 and 403 for those who may send none.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn client(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let key = match BearerKey::of(headers) {
            BearerKey::Missing => return Err(Why::KeyMissing.into()),
            BearerKey::Malformed => return Err(Why::KeyHeaderMalformed.into()),
            BearerKey::Key(key) if is_client_key(key) => key,
            BearerKey::Key(_) => return Err(Why::KeyUnknown.into()),
        };
        let found = self.find(key).await?.ok_or(Why::KeyUnknown)?;
        let (Owner::Org(org), Some(organization), KeyUse::Client) =
            (found.row.owner, &found.organization, found.row.key_use)
        else {
            return Err(Why::KeyUnknown.into());
        };
        if found.row.revoked_at_ms.is_some() {
            return Err(Why::KeyRevoked.into());
        }
        if organization.suspended {
            return Err(Why::OrganizationSuspended.into());
        }
        Ok(Caller {
            org,
            key: found.row.key,
            scopes: found.row.scopes,
            requests_per_minute: organization.requests_per_minute,
            submissions_per_minute: organization.submissions_per_minute,
            created_at: organization.created_at_ms,
        })
    }

    /// Which worker sends a request.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn worker(&self, headers: &HeaderMap) -> Result<Worker, Refusal> {
        let BearerKey::Key(key) = BearerKey::of(headers) else { return Err(Why::WorkerKeyInvalid.into()) };
        if !is_worker_key(key) {
            return Err(Why::WorkerKeyInvalid.into());
        }
        let found = self.find(key).await?.ok_or(Why::WorkerKeyInvalid)?;
        let suspended = found.organization.as_ref().is_some_and(|organization| organization.suspended);
        if found.row.revoked_at_ms.is_some() || suspended {
            return Err(Why::WorkerKeyInvalid.into());
        }
        match (found.row.owner, found.row.key_use) {
            (Owner::Org(org), KeyUse::Worker) => Ok(Worker { key: found.row.key, org: Some(org) }),
            (Owner::Fleet, KeyUse::Fleet) => Ok(Worker { key: found.row.key, org: None }),
            _ => Err(Why::WorkerKeyInvalid.into()),
        }
    }

    async fn find(&self, key: &str) -> Result<Option<Arc<KeyRecord>>, Refusal> {
        let hash = self.secrets.credential(key);
        match self.access.find(hash, || self.look_up(hash)).await {
            Ok(found) => Ok(Some(found)),
            Err(AccessRefusal::Unknown) => Ok(None),
            Err(AccessRefusal::Unavailable { retry_after_s }) => {
                let cause = "a key cannot be looked up".to_owned();
                Err(Why::StoreUnavailable { cause, retry_after_s }.into())
            }
        }
    }

    async fn look_up(&self, hash: KeyedHash) -> Result<Option<KeyRecord>, StoreError> {
        let found = self.views.get(&[views::credential(hash)]).await?;
        let Some(doc) = found.into_iter().next().flatten() else { return Ok(None) };
        let row: CredentialRow = read(&doc)?;
        let Owner::Org(org) = row.owner else { return Ok(Some(KeyRecord { row, organization: None })) };
        let found = self.views.get(&[views::organization(org)]).await?;
        let organization = found.into_iter().next().flatten().map(|doc| read(&doc)).transpose()?;
        Ok(Some(KeyRecord { row, organization }))
    }
}

fn read<T: serde::de::DeserializeOwned>(doc: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(doc).map_err(|error| StoreError::Broken(FailureCause::from(error.to_string())))
}
