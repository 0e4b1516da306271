//! Whether the server answers. A change is logged once, not every failed call.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::CallFailure;
use crate::log::{LogLine, LogSink};

/// How long the server may refuse the key before that is final. A new key holds within 2 s.
const KEY_PATIENCE: Duration = Duration::from_secs(10);

/// The state of the connection, shared by all slots.
pub struct Connection {
    url: String,
    log: LogSink,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Answers,
    Away,
    RefusesKey { since: Instant },
}

impl Connection {
    pub fn new(url: String, log: LogSink) -> Self {
        Connection { url, log, state: Mutex::new(State::Unknown) }
    }

    /// The server answered, be it with a refusal.
    pub fn answered(&self) {
        let before = self.change(|_| State::Answers);
        match before {
            State::Answers => {}
            State::Unknown => self.log(format!("{} answers", self.url)),
            State::Away | State::RefusesKey { .. } => self.log(format!("{} answers again", self.url)),
        }
    }

    /// The server did not answer, or has no capacity.
    pub fn lost(&self, why: String, retry_after: Option<Duration>) -> CallFailure {
        if self.change(|_| State::Away) != State::Away {
            self.log(format!("{} is away, trying again: {why}", self.url));
        }
        CallFailure::Away { why, retry_after }
    }

    /// The server does not know the key.
    pub fn key_refused(&self, why: String) -> CallFailure {
        let now = Instant::now();
        let since = |state| match state {
            State::RefusesKey { since } => since,
            _ => now,
        };
        let before = self.change(|state| State::RefusesKey { since: since(state) });
        if !matches!(before, State::RefusesKey { .. }) {
            self.log(format!("{} refuses the worker key, trying again: {why}", self.url));
        }
        CallFailure::KeyRefused { why, is_lasting: now.saturating_duration_since(since(before)) >= KEY_PATIENCE }
    }

    /// Sets the state and returns the former one.
    fn change(&self, to: impl FnOnce(State) -> State) -> State {
        // Each change is one assignment, so a poisoned state is still consistent.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        *state = to(before);
        before
    }

    fn log(&self, text: String) {
        (self.log)(&LogLine::worker(text));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn connection() -> (Connection, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        let log: LogSink = Arc::new(move |line| kept.lock().unwrap().push(line.to_string()));
        (Connection::new("http://gate".to_owned(), log), lines)
    }

    #[test]
    fn only_changes_are_logged() {
        let (connection, lines) = connection();
        for _ in 0..2 {
            connection.answered();
            connection.answered();
            connection.lost("refused".to_owned(), None);
            connection.lost("refused".to_owned(), None);
        }
        let away = "http://gate is away, trying again: refused";
        assert_eq!(*lines.lock().unwrap(), ["http://gate answers", away, "http://gate answers again", away]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_stays_refused_is_given_up() {
        let (connection, _) = connection();
        let is_lasting = || match connection.key_refused(String::new()) {
            CallFailure::KeyRefused { is_lasting, .. } => is_lasting,
            other => panic!("{other:?}"),
        };
        assert!(!is_lasting());
        tokio::time::advance(KEY_PATIENCE).await;
        assert!(is_lasting());
        connection.answered();
        assert!(!is_lasting());
    }
}
