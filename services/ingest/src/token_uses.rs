//! Which ping tokens were used, for who reports it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_agentping::CredentialHash;
use tidegate_kernel::Timestamp;

/// A token that is used all the time is reported so often, in milliseconds.
const REPORT_EVERY_MS: u64 = 5 * 60_000;
/// Tokens that are remembered at most. Beyond it all are forgotten, and reported again.
const MOST: usize = 200_000;

/// The last uses of tokens.
#[derive(Debug, Default)]
pub struct TokenUses(Mutex<HashMap<CredentialHash, TokenUse>>);

#[derive(Clone, Copy, Debug)]
struct TokenUse {
    at: Timestamp,
    reported: Option<Timestamp>,
}

impl TokenUses {
    /// A token was used.
    pub(crate) fn note(&self, token: CredentialHash, at: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() >= MOST && !uses.contains_key(&token) {
            uses.clear();
        }
        let used = uses.entry(token).or_insert(TokenUse { at, reported: None });
        used.at = used.at.max(at);
    }

    /// The uses that are to be reported now.
    pub fn take(&self) -> Vec<(CredentialHash, Timestamp)> {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        for (token, used) in uses.iter_mut() {
            if used.reported.is_none_or(|reported| used.at.millis_since(reported) >= REPORT_EVERY_MS) {
                used.reported = Some(used.at);
                due.push((*token, used.at));
            }
        }
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
