//! AgentPing's types and rules: ids, credentials, plans, rates, the records on the log, and the [fold](fold) that
//! computes runs from records.
//!
//! Everything here is pure: no I/O, no async, no clock, no HTTP, no SQL. Time and randomness come in
//! as arguments.

pub mod credential;
pub mod feed;
pub mod fold;
pub mod id;
pub mod key_label;
pub mod names;
pub mod plan;
pub mod rates;
pub mod receipt;
pub mod record;
pub mod routes;
pub mod run;
pub mod slug;
pub mod status;

pub use credential::{Credential, CredentialError, CredentialHash, CredentialMistake, KeyAccess, Scope};
pub use feed::FeedRow;
pub use fold::{Change, Outcome, RunState};
pub use id::{AgentId, ApiKey, EventId, Id, IdError, KeyId, PingToken, RunId, TeamId, TokenId};
pub use key_label::{KeyLabel, KeyLabelError};
pub use names::{AgentNames, Rename};
pub use plan::{Limits, Plan};
pub use rates::{Rate, RateCard, TeamRates, TokenUse};
pub use receipt::{Receipt, ReceiptError};
pub use record::{Body, Event, Finish, Heartbeat, Idle, ModelCall, Record, RecordError, RunKey, Start};
pub use run::Run;
pub use slug::Slug;
pub use status::{FinishStatus, HeartbeatStatus, RunStatus};
