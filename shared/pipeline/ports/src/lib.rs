//! The seams of Tidegate: one narrow trait per use. Adapters translate and decide nothing; everything a policy
//! needs (time, lag, limits) comes in as an argument; errors say what may have happened, not which library failed.
//!
//! Nothing here knows Kafka, Redis, CQL or a file.

pub mod accounts;
pub mod clock;
pub mod dead_letters;
pub mod failure;
pub mod gate;
pub mod ids;
pub mod log;
pub mod registry;
pub mod replay;
pub mod runs;
pub mod store_error;
pub mod waits;

pub use accounts::{Account, Accounts, Checkpoint, Fate, Halt, Note};
pub use clock::{Clock, SystemClock};
pub use dead_letters::{DeadLetter, DeadLetters};
pub use failure::{FailureCause, FailureKind};
pub use gate::{
    Ask, Claim, ClaimKey, ClaimOutcome, Fingerprint, Gate, GateDown, Refused, Seed, Settlement, StoreRead, Ticket,
    Usage, Verdict,
};
pub use ids::{Ids, RandomIds};
pub use log::{
    Append, AppendError, Consume, Consumed, Lag, LogError, Origin, PartitionLag, Polled, Provenance, ReadLag,
};
pub use registry::{Agents, CredentialRecord, Credentials, KeyRow, Rates, Registry, RegistryError, Team, TokenRow};
pub use replay::{Again, AppendAgain, LogSpan, ReadLog};
pub use runs::{
    AgentRepeats, AgentRow, EventPage, EventRow, EventsPage, ListedRun, Retention, RunFilter, RunPage, RunQueries,
    RunWanted, RunWrite, Runs, RunsPage, Spend, SpendLine, SpendRest, SpendRow, SpendTally, StoredRun, StoredSummary,
    union_of_agents,
};
pub use store_error::StoreError;
pub use waits::Waits;
