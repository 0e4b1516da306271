//! AgentGate's rules, through the protocol that decides every command.

mod acts;
mod bounds;
mod credits;
mod documented;
mod golden;
mod leases;
mod lists;
mod messages;
mod model;
mod properties;
mod refusals;
mod rig;
mod rows;
mod samples;
mod story;
