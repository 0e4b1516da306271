//! Who holds a key: asked at sign-in by the key, and on every request after it by the key's hash.

use async_trait::async_trait;
use tidegate_admission::{Admission, Authenticator, Caller, Refusal};
use tidegate_agentping::CredentialHash;

/// Finds the holder of a credential, through the cache in front of the registry.
#[async_trait]
pub trait KeyHolders: Send + Sync + 'static {
    /// Of a key as it was typed in.
    ///
    /// # Errors
    /// The [`Refusal`]s about credentials.
    async fn of_key(&self, key: &str) -> Result<Caller, Refusal>;

    /// Of the key with this hash: a key that was revoked has none within seconds.
    ///
    /// # Errors
    /// [`Refusal::CredentialUnknown`], [`Refusal::CredentialUnavailable`].
    async fn of_hash(&self, hash: CredentialHash) -> Result<Caller, Refusal>;
}

#[async_trait]
impl KeyHolders for Admission {
    async fn of_key(&self, key: &str) -> Result<Caller, Refusal> {
        Admission::authenticate(self, Some(key)).await
    }

    async fn of_hash(&self, hash: CredentialHash) -> Result<Caller, Refusal> {
        Admission::holder(self, hash).await
    }
}

#[async_trait]
impl KeyHolders for Authenticator {
    async fn of_key(&self, key: &str) -> Result<Caller, Refusal> {
        Authenticator::authenticate(self, Some(key)).await
    }

    async fn of_hash(&self, hash: CredentialHash) -> Result<Caller, Refusal> {
        Authenticator::holder(self, hash).await
    }
}
