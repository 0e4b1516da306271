//! What teams set, and what follows from it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod imports;
mod rules;
mod verdicts;
