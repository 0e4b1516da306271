//! The fault harness: the whole system on real servers, under load, while something goes wrong; then the ledger check.
//!
//! - A [fault](catalogue) is a name, the ground it is done on, and a function that does it a few times under load.
//! - A [scene](scene) is a deployment whose ways to Redis, the store and Kafka lead through [proxies](proxy).
//! - A [trial](trial) is the load on it and what is measured: requests, answers by kind, the time to recover, memory.
//! - The oracle is the ledger check of [`crate::durability`]: each id that was answered 2xx is stored exactly once
//!   with the content sent, and nothing else is stored but what got no answer. What is done to AgentGate is held against
//!   the ledgers of [`crate::agentgate`].
//!
//! Everything random follows from one seed, so that a round that fails can be run again.

mod agentgate;
mod cassandra;
pub mod catalogue;
mod clients;
mod clocks;
mod corruption;
pub mod disk;
mod gate;
mod idle;
pub mod kafka;
mod leaders;
mod log_server;
mod logs;
mod losses;
mod mock;
pub mod page;
mod points;
mod poison;
pub mod proxy;
mod ranges;
mod release;
pub mod report;
mod roles;
mod rolling;
pub mod runner;
pub mod scene;
mod spike;
mod standstill;
mod starts;
mod store;
pub mod trial;

pub use catalogue::{Fault, Ground};
pub use kafka::Kafka;
pub use proxy::{Mode, Proxy};
pub use report::Row;
pub use scene::Scene;
pub use trial::Trial;
