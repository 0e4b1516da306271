//! Who holds a key: asked at sign-in by the key, and on every request after it by the key's hash.

use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use tidegate_admission::{Admission, Authenticator, Caller, Refusal};
use tidegate_agentping::{CredentialHash, CredentialMistake};
use tidegate_control::Authenticate;

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

/// The callers of the API that pages ask within the process: each is the session of a visitor. No port serves that API.
pub struct SessionCallers(pub Arc<dyn KeyHolders>);

#[async_trait]
impl Authenticate for SessionCallers {
    /// The credential is a key's hash, in hex digits.
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal> {
        match credential.and_then(hash_of) {
            Some(hash) => self.0.of_hash(hash).await,
            None => Err(Refusal::CredentialMalformed { mistake: CredentialMistake::Form }),
        }
    }
}

/// A hash as [`SessionCallers`] read it.
pub(crate) fn as_credential(hash: CredentialHash) -> String {
    let mut text = String::new();
    for byte in hash.0 {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn hash_of(text: &str) -> Option<CredentialHash> {
    let mut hash = [0; 32];
    if text.len() != 2 * hash.len() || !text.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(CredentialHash(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back() {
        let hash = CredentialHash(std::array::from_fn(|at| at as u8 * 7));
        assert_eq!(hash_of(&as_credential(hash)), Some(hash));
        for bad in ["", "0f", &"é".repeat(32), &"0g".repeat(32)] {
            assert_eq!(hash_of(bad), None, "{bad}");
        }
    }
}
