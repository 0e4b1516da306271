//! One suite per port. Every adapter runs it, the in-memory ones too, and so means the same by the same call.
//!
//! A case panics where the adapter is wrong. Cases mint fresh ids, so that they can share one deployment.

pub mod accounts;
pub mod dead_letters;
pub mod log;
pub mod replay;
