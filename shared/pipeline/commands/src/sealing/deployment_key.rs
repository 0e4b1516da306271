//! The deployment's key, and what is derived from it.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The key of a deployment. Nothing is encrypted or hashed under it directly: each use has a key of its own, derived by
/// the name of its purpose.
#[derive(Clone)]
pub struct DeploymentKey([u8; Self::BYTES]);

impl DeploymentKey {
    pub const BYTES: usize = 32;

    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        DeploymentKey(bytes)
    }

    /// The secret of this purpose that the parts name: HMAC-SHA-256 over the purpose and the parts, each with its length.
    /// Stored hashes and secrets in use depend on it, so it must never change.
    pub fn derive(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("an HMAC takes a key of any length");
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The first 128 bits of [`DeploymentKey::derive`]: a keyed hash.
    pub fn hash(&self, purpose: &str, parts: &[&[u8]]) -> u128 {
        let [low @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.derive(purpose, parts);
        u128::from_be_bytes(low)
    }
}

/// Never the key.
impl fmt::Debug for DeploymentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeploymentKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_purpose_and_split_into_parts_has_its_own_secret() {
        let (one, two) = (DeploymentKey::new([1; 32]), DeploymentKey::new([2; 32]));
        let hashes = [
            one.hash("a", &[b"bc"]),
            one.hash("ab", &[b"c"]),
            one.hash("a", &[b"b", b"c"]),
            one.hash("a", &[]),
            two.hash("a", &[b"bc"]),
        ];
        for (at, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..at].contains(hash), "{at}");
        }
        assert_eq!(format!("{one:?}"), "DeploymentKey");
    }

    #[test]
    fn derived_secrets_never_change() {
        let key = DeploymentKey::new([7; 32]);
        assert_eq!(format!("{:032x}", key.hash("credential", &[b"abc"])), "86d3e99c582e305a9279f2b2aabdbb50");
    }
}
