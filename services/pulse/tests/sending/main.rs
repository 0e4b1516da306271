//! Sending alerts to receivers on loopback: good ones and hostile ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod added_up;
mod agent_limits;
mod asked;
mod canary;
mod digests;
mod disabling;
mod hostile;
mod mails;
mod mutes;
mod receiver;
mod restarts;
mod rig;
mod slack;
mod smtp;
mod storms;
mod webhooks;
