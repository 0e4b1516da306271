//! Messages to people: what they say, how they look, when they are tried again, and how they are stored.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod bodies;
mod digests;
mod forms;
mod guard;
mod health;
mod quieting;
mod requests;
mod rig;
mod route_requests;
mod storing;
mod storms;
mod verdicts;
