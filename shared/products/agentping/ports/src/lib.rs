//! AgentPing's own ports: what its gate, its store and its registry do for it. Each is one narrow trait; adapters translate
//! and decide nothing.

pub mod feed;
pub mod front_doors;
pub mod gate;
pub mod key_uses;
pub mod names;
pub mod notes;
pub mod refused_agents;
pub mod registry;
pub mod runs;
pub mod spend_rows;
pub mod token_uses;

pub use feed::{FeedEntry, FeedPage, FeedRange, PulseFeed, settled_page};
pub use front_doors::{ReadySpan, RefusedMinute};
pub use gate::{
    Ask, Claim, ClaimKey, ClaimOutcome, Fingerprint, Gate, GateDown, Refused, Seed, Settlement, StoreRead, Ticket,
    Usage, Verdict,
};
pub use names::{NamedCredentials, NamedRegistry, NamedRuns, NamesDoc, NamesOfTeams, StoredNames};
pub use notes::{Note, NotedAccounts};
pub use refused_agents::RefusedAgent;
pub use registry::{
    Agents, CredentialRecord, Credentials, HeldKey, KeyRow, Rates, Registry, RegistryError, Team, TokenRow,
};
pub use runs::{
    AgentRepeats, AgentRow, AgentSum, AgentSums, DaySpend, EventPage, EventRow, EventsPage, ListedRun, RunFilter,
    RunPage, RunQueries, RunWanted, RunWrite, Runs, RunsPage, SPEND_ROWS_MAX, Spend, SpendLine, SpendRest, SpendRow,
    SpendTally, StoredRun, StoredSummary, each_event, union_of_agents,
};
pub use spend_rows::SpendCursor;
