//! Which ping tokens were used, for who reports it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_agentping::CredentialHash;
use tidegate_kernel::Timestamp;

/// A token that is used all the time is reported so often, in milliseconds.
const REPORT_EVERY_MS: u64 = 5 * 60_000;
/// Tokens that are remembered at most. Beyond it all that were reported are forgotten, and reported again.
const MOST: usize = 200_000;

/// The last uses of tokens.
#[derive(Debug, Default)]
pub struct TokenUses(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// The use of each token that was reported last.
    reported: HashMap<CredentialHash, Timestamp>,
    /// The latest use of each token that is to be reported now.
    due: HashMap<CredentialHash, Timestamp>,
}

impl TokenUses {
    /// A token was used.
    pub(crate) fn note(&self, token: CredentialHash, at: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Noted { reported, due } = &mut *noted;
        if reported.get(&token).is_some_and(|reported| at.millis_since(*reported) < REPORT_EVERY_MS) {
            return;
        }
        if due.len() < MOST || due.contains_key(&token) {
            let latest = due.entry(token).or_insert(at);
            *latest = at.max(*latest);
        }
    }

    /// The uses that are to be reported now.
    pub fn take(&self) -> Vec<(CredentialHash, Timestamp)> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<_> = noted.due.drain().collect();
        if noted.reported.len() + due.len() > MOST {
            noted.reported.clear();
        }
        noted.reported.extend(due.iter().copied());
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_use_is_reported_every_five_minutes() {
        let uses = TokenUses::default();
        let token = CredentialHash([7; 32]);
        let at = |second: i64| Timestamp::from_millis(second * 1_000);
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
}
