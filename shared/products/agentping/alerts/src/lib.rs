//! What AgentPing tells people: routes, the messages to them, and how far each message is.
//!
//! Everything here is pure but for [the stored rows](rows): what a message says, how it looks for each kind of route, when
//! it is tried again, and what is muted.

pub mod rows;
