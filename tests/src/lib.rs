//! What the black-box suites share: a target to test, teams of their own, a thin client, and ways to wait for a
//! level instead of for time.
//!
//! Nothing here knows how Tidegate works inside. A suite talks HTTP and runs management commands, so it runs the
//! same against one process on a local folder, against many processes on the real stack (see [`stack`]), and
//! against a deployment named by `TIDEGATE_TARGET` (see [`external`]).

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "this is test code: a panic is how it reports")]

pub mod agentgate;
pub mod browser;
pub mod client;
pub mod clock;
pub mod deployment;
pub mod durability;
pub mod external;
pub mod faults;
pub mod former;
pub mod ids;
pub mod metrics;
pub mod openapi;
pub mod process;
pub mod receiver;
pub mod servers;
pub mod stack;
pub mod target;
pub mod team;
pub mod wait;
pub mod wire;

pub use client::{Answer, Call, Client};
pub use deployment::Deployment;
pub use target::{Program, Target};
pub use team::{Plan, Team};
pub use wait::eventually;
