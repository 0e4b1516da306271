//! The pages of operators over ports in memory: what they show, what they leave out, and what they say they do not know.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod agentgate;
mod house;
mod pipeline;
