//! The word of a badge, and what is kept of it: everyone may ask, as often as they like.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_kernel::Timestamp;
use tokio::sync::Mutex as AsyncMutex;

use crate::kept_answers::KeptAnswers;

/// Milliseconds for which the word of a badge is kept before it is read anew.
const KEPT_MS: u64 = 30_000;
/// Milliseconds beyond that for which the word is shown while another request reads it. With those for which caches
/// keep the answer, a word is a minute old at most.
const WHILE_READ_MS: u64 = 15_000;
/// What answers say of caches.
pub(crate) const CACHED: &str = "public, max-age=15";
/// Milliseconds beyond [`KEPT_MS`] for which the word is shown where it cannot be read.
const STALE_MS: u64 = 60_000;
/// Badges whose words are kept at a time.
const KEPT: usize = 10_000;
/// Tokens that are noted as being read before those are removed that no request reads any more.
const MANY_TURNS: usize = 1_000;

/// The word of a badge, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shown {
    Down,
    Late,
    Up,
    Unknown,
}

/// A badge as it was read.
#[derive(Clone, Debug)]
pub(crate) struct ReadBadge {
    pub team: TeamId,
    /// Its id.
    pub badge: String,
    pub shown: Shown,
}

/// Badges as they were read, by their tokens. One request at a time reads a badge.
pub(crate) struct KeptBadges {
    kept: KeptAnswers<String, ReadBadge>,
    turns: Mutex<HashMap<String, Weak<Turn>>>,
}

/// Whoever holds it reads the badge, and leaves to those who wait what came of it.
type Turn = AsyncMutex<ReadEnd>;

#[derive(Clone, Copy, Debug, Default)]
enum ReadEnd {
    /// It goes on, or was given up.
    #[default]
    Open,
    Absent,
    Failed,
}

/// A badge cannot be read now.
#[derive(Debug)]
pub(crate) struct Unread;

impl KeptBadges {
    pub fn new() -> Self {
        KeptBadges { kept: KeptAnswers::new(KEPT), turns: Mutex::default() }
    }

    /// The badge as it was read within half a minute, or else as `read` finds it now; `None`: there is none. While
    /// another request reads it, it is the one before for a quarter of a minute, after which this request waits for
    /// what the other finds. Where it cannot be read, it is the one before for a minute.
    ///
    /// # Errors
    /// [`Unread`].
    pub async fn read<E>(
        &self,
        token: &str,
        now: impl Fn() -> Timestamp,
        read: impl Future<Output = Result<Option<ReadBadge>, E>>,
    ) -> Result<Option<Arc<ReadBadge>>, Unread> {
        let token = token.to_owned();
        if let Some(known) = self.kept.known(&token, now()) {
            return Ok(Some(known));
        }
        let turn = self.turn(&token);
        let mut end = match turn.try_lock() {
            Ok(end) => end,
            Err(_) => {
                if let Some(stale) = self.kept.known_or_stale(&token, now(), WHILE_READ_MS) {
                    return Ok(Some(stale));
                }
                let end = turn.lock().await;
                let came = *end;
                match came {
                    ReadEnd::Absent => return Ok(None),
                    ReadEnd::Failed => {
                        return self.kept.known_or_stale(&token, now(), STALE_MS).map(Some).ok_or(Unread);
                    }
                    ReadEnd::Open => end,
                }
            }
        };
        // Another request may have read it meanwhile.
        if let Some(known) = self.kept.known(&token, now()) {
            return Ok(Some(known));
        }
        *end = ReadEnd::Open;
        match read.await {
            Ok(Some(found)) => {
                let found = Arc::new(found);
                self.kept.keep(token, now(), KEPT_MS, found.clone());
                Ok(Some(found))
            }
            Ok(None) => {
                *end = ReadEnd::Absent;
                Ok(None)
            }
            Err(_) => {
                *end = ReadEnd::Failed;
                self.kept.known_or_stale(&token, now(), STALE_MS).map(Some).ok_or(Unread)
            }
        }
    }

    fn turn(&self, token: &str) -> Arc<Turn> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(token).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() >= MANY_TURNS {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(Turn::default());
        turns.insert(token.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

impl Shown {
    /// `has_late`: whether the badge shows that an agent is late.
    pub const fn of(state: AgentStanding, has_late: bool) -> Self {
        match state {
            AgentStanding::Down => Shown::Down,
            AgentStanding::Late if has_late => Shown::Late,
            AgentStanding::Up | AgentStanding::Late | AgentStanding::Running => Shown::Up,
            AgentStanding::New | AgentStanding::Unknown | AgentStanding::Paused => Shown::Unknown,
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Shown::Down => "down",
            Shown::Late => "late",
            Shown::Up => "up",
            Shown::Unknown => "unknown",
        }
    }

    /// With white text each has a contrast of 4.5 and more.
    pub const fn colour(self) -> &'static str {
        match self {
            Shown::Down => "c62828",
            Shown::Late => "9a5b00",
            Shown::Up => "2e7d32",
            Shown::Unknown => "616161",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_state_comes_first() {
        let mut all = [Shown::Up, Shown::Unknown, Shown::Down, Shown::Late];
        all.sort_unstable();
        assert_eq!(all.map(Shown::word), ["down", "late", "up", "unknown"]);
    }
}
