//! AgentGate's part of the program: its front door and decider on their ports, what operators do, and the worker.

mod conservation;
mod decider;
mod door;
mod expiry;
mod inbox;
pub mod manage;
mod operate;
mod operators;
pub mod secret;
pub mod void;
pub mod webhooks;
pub mod worker;

pub use conservation::AgentGateConservation;
pub use decider::{decider, release};
pub use door::Door;
pub use expiry::expiry;
pub use inbox::serve as serve_inbox;
pub use operate::{manage, of_running, on_ports};
pub use operators::{rows_of_decider, rows_of_door};
