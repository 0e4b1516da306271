//! Who may write, how much, and whether it was written before: authenticate → shed → limit → claim → append →
//! confirm. The same for every front door; it knows nothing of HTTP and answers with causes, not with statuses.

mod accept;
mod admission;
mod agent_slots;
mod answers;
mod appends;
pub mod authenticate;
mod by_store;
mod claiming;
mod claims;
mod coalesce;
mod comparing;
pub mod config;
mod credential_cache;
mod gatekeeping;
mod giving_back;
mod joining;
mod known;
mod lag_watch;
mod local_share;
mod metric_names;
mod partition_watch;
mod rates;
pub mod refusal;
mod scope;
pub mod shed;
mod shed_gauge;
mod shed_watch;
mod store_health;
pub mod submission;
pub mod trend;

pub use admission::{Admission, AdmissionPorts};
pub use agent_slots::AgentHints;
pub use appends::Appends;
pub use authenticate::Authenticator;
pub use config::{AdmissionConfig, ConfigError};
pub use refusal::{Refusal, StartField};
pub use shed::{Class, ShedCause};
pub use shed_watch::ShedWatch;
pub use submission::{Acceptance, Caller, KnownRun, Repeat, Submission};
