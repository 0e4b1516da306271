//! Whether AgentGate does what it answered: clients and workers that keep a ledger of their answers, and a verdict that
//! compares what is stored with it.
//!
//! - [`Ledger`] is what they were answered, [`Stored`] what the API and the operators' commands show once all has ended.
//! - [`breaches`] compares both: each `201` is one run with the content sent, charged once as its worker's finish says;
//!   what was refused left nothing; no hold and no slot is left; granted = available + held + charged.
//! - [`GateLoad`] is the load: several organizations, each with clients and a worker.

mod account;
mod kinds;
pub mod ledger;
mod load;
pub mod stored;
mod submitting;
pub mod verdict;
mod working;

pub use account::{Account, CENTS_PER_ITERATION, Terms};
pub use kinds::gate_kind;
pub use ledger::Ledger;
pub use load::GateLoad;
pub use stored::Stored;
pub use verdict::{Breach, breaches};
