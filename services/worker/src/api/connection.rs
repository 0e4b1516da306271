//! Whether the server answers. A change is logged once, not every failed call.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::CallFailure;
use crate::log::{LogLine, LogSink};

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
    RefusesKey,
}

impl Connection {
    pub fn new(url: String, log: LogSink) -> Self {
        Connection { url, log, state: Mutex::new(State::Unknown) }
    }

    /// The server answered, be it with a refusal.
    pub fn answered(&self) {
        let before = self.change(State::Answers);
        match before {
            State::Answers => {}
            State::Unknown => self.log(format!("{} answers", self.url)),
            State::Away | State::RefusesKey => self.log(format!("{} answers again", self.url)),
        }
    }

    /// The server did not answer, or has no capacity.
    pub fn lost(&self, why: String, retry_after: Option<Duration>) -> CallFailure {
        if self.change(State::Away) != State::Away {
            self.log(format!("{} is away, trying again: {why}", self.url));
        }
        CallFailure::Away { why, retry_after }
    }

    /// The server gives no lease to this key.
    pub fn key_refused(&self, why: &str) {
        if self.change(State::RefusesKey) != State::RefusesKey {
            self.log(format!("{} refuses the worker key, trying again: {why}", self.url));
        }
    }

    /// Sets the state and returns the former one.
    fn change(&self, to: State) -> State {
        // Each change is one assignment, so a poisoned state is still consistent.
        std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), to)
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
            connection.key_refused("401");
            connection.key_refused("401");
        }
        let away = "http://gate is away, trying again: refused";
        let refuses = "http://gate refuses the worker key, trying again: 401";
        let expected = ["http://gate answers", away, refuses, "http://gate answers again", away, refuses];
        assert_eq!(*lines.lock().unwrap(), expected);
    }
}
