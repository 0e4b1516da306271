//! Builders for the tests of AgentPing: ids, bodies, events and records with defaults, so that a test names only what it
//! is about, and the fold of records into runs as a persister does it.
//!
//! ```
//! use tidegate_agentping::FinishStatus::{Failed, Success};
//! use tidegate_agentping_testkit::{EventWith as _, NOON, StartWith as _, event, finish, folded, key, record, start};
//!
//! let records = [
//!     record(key(7), NOON, start("nightly").customer("acme").idle(600, Success)),
//!     record(key(7), NOON, event(1).llm("a-model", Some("0.5"))),
//!     record(key(7), NOON, finish(Failed)),
//! ];
//! assert_eq!(folded(&records).run.cost().to_string(), "0.5");
//! ```

mod bodies;
mod events;
mod fold;
mod ids;
mod watched;

pub use bodies::{FinishWith, IntoBody, StartWith, finish, heartbeat, record, start};
pub use events::{EventWith, IntoEventId, event, model_call};
pub use fold::{fold, folded, persist};
pub use ids::{event_id, fresh, fresh_at, fresh_key, json, key, run_id, slug, team};
use tidegate_kernel::Timestamp;
pub use watched::{BeforeRead, RunsRead, WatchedRuns};

/// 2026-05-15T12:00:00Z: when everything here happens unless a test says otherwise.
pub const NOON: Timestamp = Timestamp::from_millis(1_778_846_400_000);

/// 2026-05-15T14:32:01.123Z: a moment that is on no full second.
pub const AFTERNOON: Timestamp = Timestamp::from_millis(1_778_855_521_123);
