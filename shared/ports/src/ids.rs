//! The source of ids and randomness.

use tidegate_domain::id::IdKind;
use tidegate_domain::{Id, Region, Timestamp};

/// Randomness for new ids. Credentials are minted from it too: a real source is cryptographically secure.
pub trait Ids: Send + Sync + 'static {
    fn random(&self) -> [u8; 10];
}

impl dyn Ids {
    /// A fresh UUIDv7 id of kind `K`, born at `now`.
    pub fn mint<K: IdKind>(&self, region: Region, now: Timestamp) -> Id<K> {
        Id::mint(region, now, &self.random())
    }
}

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn random(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        // Without randomness no credential is safe; Linux's getrandom does not fail once the system is up.
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }
}
