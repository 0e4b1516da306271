//! Sending to receivers on loopback: good ones and hostile ones.

mod hostile;
mod sending;
mod server;
