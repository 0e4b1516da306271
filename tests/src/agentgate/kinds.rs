//! How requests ended, by kind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::client::Answer;

/// How a request to AgentGate ended, in a word or two: `2xx`; the status and the cause, as far as the message tells it, of
/// a `503` or `504`; any other status; `no answer`. A `503` without `Retry-After` says so.
pub fn gate_kind(answer: &Result<Answer, String>) -> String {
    const CAUSES: [(&str, &str); 8] = [
        ("Too much is waiting", "shed"),
        ("Nothing can be taken in", "log_refused"),
        ("The data cannot be read", "store_unavailable"),
        ("Requests cannot be counted", "limits_unavailable"),
        ("came too late", "expired"),
        ("Others change the same", "contended"),
        ("Too many", "too_many"),
        ("ran out of time", "undecided"),
    ];
    match answer {
        Err(_) => "no answer".to_owned(),
        Ok(answer) if answer.status < 300 => "2xx".to_owned(),
        Ok(answer) if matches!(answer.status, 503 | 504) => {
            let (status, text) = (answer.status, answer.text());
            let cause = CAUSES.iter().find(|(words, _)| text.contains(words)).map_or("", |(_, cause)| *cause);
            let kind = format!("{status} {cause}");
            let lacks = status == 503 && answer.header("retry-after").is_none();
            if lacks { format!("{kind} without Retry-After") } else { kind }
        }
        Ok(answer) => answer.status.to_string(),
    }
}

/// How often each kind came, and how far the load has come.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    ends: Mutex<BTreeMap<String, u64>>,
    accepted: AtomicU64,
    finished: AtomicU64,
}

impl Tally {
    pub fn count(&self, answer: &Result<Answer, String>) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner).entry(gate_kind(answer)).or_insert(0) += 1;
    }

    pub fn ends(&self) -> BTreeMap<String, u64> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn one_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::SeqCst);
    }

    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    pub fn one_finished(&self) {
        self.finished.fetch_add(1, Ordering::SeqCst);
    }

    pub fn finished(&self) -> u64 {
        self.finished.load(Ordering::SeqCst)
    }
}
