//! AgentGate's types and rules: ids, scopes, work orders, runs and credits, the commands on the log, and the decider that
//! computes books from commands.
//!
//! Everything here is pure: no I/O, no async, no clock, no HTTP, no SQL. Time and ids come in with the commands, and free
//! content stays sealed.

mod advance;
pub mod answer;
mod base32;
pub mod book;
pub mod command;
mod cycle;
mod decide;
mod end;
mod event;
mod evolve;
mod follow;
pub mod id;
pub mod owner;
pub mod scope;
pub mod sealed;
pub mod status;
pub mod template;
pub mod views;

pub use answer::{Answer, Grant, Refusal};
pub use book::Book;
pub use command::Command;
pub use decide::AgentGate;
pub use id::{KeyId, KeyedHash, MessageId, OrgId, RequestId, RunId, TransactionId, WebhookId, WorkOrderId};
pub use owner::Owner;
pub use scope::{Scope, Scopes};
pub use sealed::Sealed;
pub use status::{EventType, Level, RunErrorCode, RunStatus};
pub use template::{BuiltIn, TemplateId};
