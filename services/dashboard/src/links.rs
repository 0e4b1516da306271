//! Links that sign in once: a process that has just made a key prints one, so that the key need not be pasted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tidegate_agentping::CredentialHash;
use tidegate_ports::Ids;

/// Open links, in memory: the hash of each one's token, and of the key that it signs in with. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct SignInLinks(Arc<Mutex<HashMap<[u8; 32], CredentialHash>>>);

impl SignInLinks {
    /// A new link for the holder of this key: a path with a query. It works once, and while this process runs.
    pub fn make(&self, key: CredentialHash, ids: &dyn Ids) -> String {
        let random = [ids.random(), ids.random()].concat();
        let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        self.open().insert(hash(&token), key);
        format!("/login?link={token}")
    }

    /// The key that a link signs in with. After that the link is spent.
    pub(crate) fn spend(&self, token: &str) -> Option<CredentialHash> {
        self.open().remove(&hash(token))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<[u8; 32], CredentialHash>> {
        // Each change is one call of the map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use tidegate_ports::RandomIds;

    use super::*;

    #[test]
    fn a_link_works_once() {
        let links = SignInLinks::default();
        let key = CredentialHash([7; 32]);
        let path = links.make(key, &RandomIds);
        let token = path.strip_prefix("/login?link=").unwrap();
        assert_eq!(token.len(), 40);
        assert_eq!(links.spend("other"), None);
        assert_eq!(links.spend(token), Some(key));
        assert_eq!(links.spend(token), None);
    }
}
