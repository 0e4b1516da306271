//! The limits of a command API on Redis: fixed windows, and marks of keys in flight.
//!
//! # Keys
//!
//! Every key of an owner has the owner as its hash tag, so a call of the script touches one slot of a cluster:
//!
//! | key | holds | expires |
//! | --- | --- | --- |
//! | `<prefix>:{<owner>}:w:<name>` | how many were taken from the window | when the window ends |
//! | `<prefix>:{<owner>}:m:<key>` | the attempt that holds the mark | when the mark lapses |
//! | `<prefix>:probe` | nothing: written to see whether the server takes writes | after 60 s |
//!
//! Time is Redis' own: a window is the time to live of its key. No decision about money or state depends on any of it, so
//! a flush, a failover or an eviction only restarts windows.

mod keys;
mod limits;
mod replies;

pub use limits::RedisLimits;
