//! Checks: what is taken, and what comes of them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod bounded;
mod definitions;
mod outcomes;
mod sample;
