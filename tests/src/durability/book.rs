//! What the clients sent, and what of it was acknowledged.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// A request that was sent. Its content follows from its id alone, so that whatever is stored can be checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    Start {
        run: String,
    },
    Event {
        run: String,
        event: String,
    },
    Finish {
        run: String,
    },
    Heartbeat {
        run: String,
    },
    /// A heartbeat whose id the server mints: known by its note.
    Minted {
        note: String,
    },
}

/// Every request, and whether an acknowledgement came back.
#[derive(Debug, Default)]
pub struct Book {
    sent: Mutex<BTreeMap<Sent, bool>>,
}

impl Book {
    /// Written before the request leaves.
    pub fn sending(&self, what: &[Sent]) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        for one in what {
            sent.entry(one.clone()).or_insert(false);
        }
    }

    /// Written after a 2xx was read.
    pub fn acknowledged(&self, what: &[Sent]) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        for one in what {
            assert!(sent.insert(one.clone(), true).is_some(), "acknowledged before it was sent: {one:?}");
        }
    }

    /// Whether this was acknowledged.
    pub fn knows(&self, what: &Sent) -> bool {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).get(what) == Some(&true)
    }

    /// Everything sent, with whether it was acknowledged.
    pub fn all(&self) -> BTreeMap<Sent, bool> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A number that follows from an id.
fn digest(id: &str) -> u64 {
    // FNV-1a: stable, and short enough to stand here.
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A moment that follows from an id.
fn moment(id: &str) -> String {
    crate::clock::iso(1_770_000_000_000 + i64::try_from(digest(id) % 10_000_000_000).expect("it is below 2^63"))
}

pub fn start(run: &str) -> Value {
    let digest = digest(run);
    json!({
        "id": run, "agent": format!("agent-{}", digest % 7), "started_at": moment(run),
        "customer_id": format!("customer-{digest}"), "metadata": {"digest": digest.to_string()},
    })
}

pub fn event(event: &str) -> Value {
    let digest = digest(event);
    json!({
        "external_id": event, "type": "log", "ts": moment(event),
        "data": {"digest": digest.to_string(), "padding": "x".repeat(usize::try_from(digest % 300).expect("it is small"))},
    })
}

pub fn finish(run: &str) -> Value {
    let digest = digest(run);
    let status = ["success", "failed", "timeout", "cancelled"][usize::try_from(digest % 4).expect("it is small")];
    json!({"status": status, "finished_at": moment(run), "output": {"finish": digest.to_string()}})
}

pub fn heartbeat(run: &str) -> Value {
    let digest = digest(run);
    json!({
        "id": run, "agent": format!("agent-{}", digest % 7), "started_at": moment(run), "finished_at": moment(run),
        "metadata": {"digest": digest.to_string()},
    })
}

pub fn minted(note: &str) -> Value {
    let digest = digest(note);
    json!({
        "agent": format!("agent-{}", digest % 7), "started_at": moment(note),
        "metadata": {"note": note, "digest": digest.to_string()},
    })
}
