//! Seals content under an owner's data key.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use tidegate_kernel::LogKey;
use tidegate_ports::Ids;

/// The first byte of sealed content: how it is sealed.
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Seals and opens the content of one owner. XChaCha20-Poly1305 with a random nonce; the owner's text is authenticated
/// with it, so that content of one owner never opens as another's.
pub struct OwnerSeal {
    cipher: XChaCha20Poly1305,
    owner: LogKey,
}

/// Sealed content that does not open: it is damaged, or was sealed for another owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed content does not open under its owner's key")]
pub struct Unsealable;

impl OwnerSeal {
    pub const KEY_BYTES: usize = 32;

    pub fn new(owner: LogKey, key: &[u8; Self::KEY_BYTES]) -> Self {
        OwnerSeal { cipher: XChaCha20Poly1305::new(key.into()), owner }
    }

    /// Base64 of a format byte, the nonce, and the encrypted content with its tag.
    pub fn seal(&self, content: &[u8], ids: &dyn Ids) -> String {
        BASE64.encode(self.seal_bytes(content, ids))
    }

    /// # Errors
    /// [`Unsealable`].
    pub fn open(&self, sealed: &str) -> Result<Vec<u8>, Unsealable> {
        self.open_bytes(&BASE64.decode(sealed).map_err(|_| Unsealable)?)
    }

    pub(super) fn seal_bytes(&self, content: &[u8], ids: &dyn Ids) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = random(ids);
        let payload = Payload { msg: content, aad: self.owner.text().as_bytes() };
        let encrypted = self.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(&nonce);
        sealed.extend(encrypted.expect("content is far below the 256 GiB that the cipher takes"));
        sealed
    }

    pub(super) fn open_bytes(&self, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (format, rest) = sealed.split_first().ok_or(Unsealable)?;
        if *format != FORMAT || rest.len() < NONCE_BYTES {
            return Err(Unsealable);
        }
        let (nonce, encrypted) = rest.split_at(NONCE_BYTES);
        let payload = Payload { msg: encrypted, aad: self.owner.text().as_bytes() };
        self.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| Unsealable)
    }
}

/// Never the key.
impl fmt::Debug for OwnerSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnerSeal").field(&self.owner).finish()
    }
}

/// Random bytes for a key or a nonce.
pub(super) fn random<const N: usize>(ids: &dyn Ids) -> [u8; N] {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(10) {
        chunk.copy_from_slice(&ids.random()[..chunk.len()]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use tidegate_ports::RandomIds;

    use super::*;

    fn owner(text: &str) -> LogKey {
        LogKey::new(text.as_bytes(), &[text])
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_alone() {
        let seal = OwnerSeal::new(owner("org_a"), &[3; 32]);
        let sealed = seal.seal(b"{\"taskPrompt\":\"secret\"}", &RandomIds);
        assert!(!sealed.contains("secret"));
        assert_eq!(seal.open(&sealed).unwrap(), b"{\"taskPrompt\":\"secret\"}");
        assert_eq!(OwnerSeal::new(owner("org_b"), &[3; 32]).open(&sealed), Err(Unsealable));
        assert_eq!(OwnerSeal::new(owner("org_a"), &[4; 32]).open(&sealed), Err(Unsealable));
    }

    #[test]
    fn the_same_content_is_never_sealed_twice_alike() {
        let seal = OwnerSeal::new(owner("org_a"), &[3; 32]);
        assert_ne!(seal.seal(b"", &RandomIds), seal.seal(b"", &RandomIds));
    }

    #[test]
    fn damaged_content_does_not_open() {
        let seal = OwnerSeal::new(owner("org_a"), &[3; 32]);
        let whole = seal.seal_bytes(b"content", &RandomIds);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(seal.open_bytes(&damaged), Err(Unsealable), "byte {at}");
            assert_eq!(seal.open_bytes(&whole[..at]), Err(Unsealable), "cut at {at}");
        }
        assert_eq!(seal.open("no base64!"), Err(Unsealable));
    }
}
