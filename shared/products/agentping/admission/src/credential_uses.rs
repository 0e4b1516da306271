//! Which credentials were used, for who writes it down: ping tokens and API keys, each about every five minutes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use tidegate_agentping::{CredentialHash, KeyId};
use tidegate_agentping_ports::key_uses::key_use;
use tidegate_agentping_ports::token_uses::token_use;
use tidegate_kernel::Timestamp;
use tidegate_ports::RowWrite;

use crate::submission::Caller;

/// One that is used all the time is reported so often, in milliseconds.
const REPORT_EVERY_MS: u64 = 5 * 60_000;
/// Tokens, and keys, that are remembered at most. Beyond it all that were reported are forgotten, and reported again.
const MOST: usize = 200_000;

/// The last uses of credentials.
#[derive(Debug, Default)]
pub struct CredentialUses {
    tokens: Noted<CredentialHash>,
    keys: Noted<KeyId>,
}

impl CredentialUses {
    /// The caller's credential was used.
    pub fn note(&self, caller: &Caller, at: Timestamp) {
        match caller.key {
            Some(key) => self.keys.note(key.id, at),
            None => self.tokens.note(caller.credential, at),
        }
    }

    /// The rows of the uses that are to be written now.
    pub fn take(&self) -> Vec<RowWrite> {
        let tokens = self.tokens.take().into_iter().map(|(token, at)| token_use(&token, at));
        let keys = self.keys.take().into_iter().map(|(key, at)| key_use(key, at));
        tokens.chain(keys).collect()
    }
}

#[derive(Debug)]
struct Noted<K>(RwLock<Uses<K>>);

#[derive(Debug)]
struct Uses<K> {
    /// The use of each that was reported last.
    reported: HashMap<K, Timestamp>,
    /// The latest use of each that is to be reported now.
    due: HashMap<K, Timestamp>,
}

impl<K: Eq + Hash> Uses<K> {
    fn was_reported(&self, credential: &K, at: Timestamp) -> bool {
        self.reported.get(credential).is_some_and(|reported| at.millis_since(*reported) < REPORT_EVERY_MS)
    }
}

impl<K> Default for Noted<K> {
    fn default() -> Self {
        Noted(RwLock::new(Uses { reported: HashMap::new(), due: HashMap::new() }))
    }
}

impl<K: Copy + Eq + Hash> Noted<K> {
    fn note(&self, credential: K, at: Timestamp) {
        // Almost every use is of a credential that was reported a short while ago.
        if self.0.read().unwrap_or_else(PoisonError::into_inner).was_reported(&credential, at) {
            return;
        }
        let mut uses = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let due = &mut uses.due;
        if due.len() < MOST || due.contains_key(&credential) {
            let latest = due.entry(credential).or_insert(at);
            *latest = at.max(*latest);
        }
    }

    fn take(&self) -> Vec<(K, Timestamp)> {
        let mut uses = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<_> = uses.due.drain().collect();
        if uses.reported.len() + due.len() > MOST {
            uses.reported.clear();
        }
        uses.reported.extend(due.iter().copied());
        due
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_agentping::{KeyAccess, Plan, Scope};
    use tidegate_agentping_ports::HeldKey;
    use tidegate_kernel::Region;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    #[test]
    fn what_is_in_use_is_reported_every_five_minutes() {
        let uses = Noted::default();
        let token = CredentialHash([7; 32]);
        let reported = |second: i64| {
            uses.note(token, at(second));
            uses.take().into_iter().map(|(_, at)| at.as_millis() / 1_000).collect::<Vec<_>>()
        };
        assert_eq!(reported(10), [10]);
        assert!(reported(20).is_empty());
        assert!(reported(309).is_empty());
        assert_eq!(reported(310), [310]);
        uses.note(CredentialHash([8; 32]), at(5));
        assert_eq!(uses.take(), [(CredentialHash([8; 32]), at(5))]);
    }

    #[test]
    fn tokens_and_keys_have_rows_of_their_own() {
        let uses = CredentialUses::default();
        let team = tidegate_agentping_testkit::team(1);
        let key = KeyId::from_bits(Region::Eu, 5);
        let held = HeldKey { id: key, access: KeyAccess::Full };
        let (plan, credential) = (Plan::Team, CredentialHash([7; 32]));
        let caller = |key| Caller { team, plan, scope: Scope::Team, key, credential, names: Arc::default() };
        uses.note(&caller(Some(held)), at(10));
        uses.note(&caller(None), at(20));
        assert_eq!(uses.take(), [token_use(&credential, at(20)), key_use(key, at(10))]);
        assert_eq!(uses.take(), []);
    }
}
