//! Sending to receivers on loopback: good ones and hostile ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod hostile;
mod look_ups;
mod sending;
mod server;
