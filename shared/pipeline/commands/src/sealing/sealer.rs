//! Finds the data key of an owner, and makes it.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tidegate_kernel::{LogKey, SmolStr};
use tidegate_ports::{Ids, OwnerKeys, StoreError};

use super::deployment_key::DeploymentKey;
use super::owner_seal::{OwnerSeal, Unsealable, random};

/// Data keys kept in memory at most.
const CACHED_MAX: u64 = 10_000;
/// How long one is kept: the time until an erasure holds everywhere.
const CACHED_FOR: Duration = Duration::from_secs(60);

/// The data keys of all owners. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<dyn OwnerKeys>,
    deployment: DeploymentKey,
    ids: Arc<dyn Ids>,
    cached: Cache<SmolStr, Arc<OwnerSeal>>,
}

/// Why content of an owner can be neither sealed nor read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealerError {
    #[error("the data key of {owner} cannot be read: {source}")]
    Store { owner: SmolStr, source: StoreError },
    /// The owner was erased, or never existed.
    #[error("{owner} has no data key")]
    NoKey { owner: SmolStr },
    /// The deployment's key is not the one that wrapped it.
    #[error("the data key of {owner} does not open under the deployment's key")]
    Foreign { owner: SmolStr },
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
}

impl Sealer {
    pub fn new(keys: Arc<dyn OwnerKeys>, deployment: DeploymentKey, ids: Arc<dyn Ids>) -> Self {
        let cached = Cache::builder().max_capacity(CACHED_MAX).time_to_live(CACHED_FOR).build();
        Sealer { keys, deployment, ids, cached }
    }

    /// The key that everything else is derived from.
    pub fn deployment(&self) -> &DeploymentKey {
        &self.deployment
    }

    /// Makes and stores the data key of an owner that is created now.
    ///
    /// # Errors
    /// [`SealerError::Store`]; create it again.
    pub async fn create(&self, owner: LogKey) -> Result<(), SealerError> {
        let key: [u8; OwnerSeal::KEY_BYTES] = random(&*self.ids);
        let wrapped = self.wrapping(owner).seal_bytes(&key, &*self.ids);
        self.keys.create(owner, wrapped).await.map_err(|source| SealerError::Store { owner: name(owner), source })
    }

    /// Destroys the data key of an owner for good: what was sealed under it can never be read again. Other processes
    /// may have the opened key in memory for a minute more.
    ///
    /// # Errors
    /// [`SealerError::Store`]; erase it again.
    pub async fn erase(&self, owner: LogKey) -> Result<(), SealerError> {
        self.keys.erase(owner).await.map_err(|source| SealerError::Store { owner: name(owner), source })?;
        self.cached.invalidate(owner.text());
        Ok(())
    }

    /// # Errors
    /// [`SealerError`].
    pub async fn of(&self, owner: LogKey) -> Result<Arc<OwnerSeal>, SealerError> {
        if let Some(seal) = self.cached.get(owner.text()) {
            return Ok(seal);
        }
        let found = self.keys.find(owner).await;
        let wrapped = found.map_err(|source| SealerError::Store { owner: name(owner), source })?;
        let wrapped = wrapped.ok_or_else(|| SealerError::NoKey { owner: name(owner) })?;
        let key = self.wrapping(owner).open_bytes(&wrapped).ok().and_then(|key| key.try_into().ok());
        let key = key.ok_or_else(|| SealerError::Foreign { owner: name(owner) })?;
        let seal = Arc::new(OwnerSeal::new(owner, &key));
        self.cached.insert(name(owner), Arc::clone(&seal));
        Ok(seal)
    }

    /// Seals content of an owner as text.
    ///
    /// # Errors
    /// [`SealerError`].
    pub async fn seal(&self, owner: LogKey, content: &[u8]) -> Result<String, SealerError> {
        Ok(self.of(owner).await?.seal(content, &*self.ids))
    }

    /// The content of what [`Sealer::seal`] made.
    ///
    /// # Errors
    /// [`SealerError`].
    pub async fn open(&self, owner: LogKey, sealed: &str) -> Result<Vec<u8>, SealerError> {
        Ok(self.of(owner).await?.open(sealed)?)
    }

    fn wrapping(&self, owner: LogKey) -> OwnerSeal {
        OwnerSeal::new(owner, &self.deployment.derive("wrap", &[]))
    }
}

fn name(owner: LogKey) -> SmolStr {
    SmolStr::new(owner.text())
}
