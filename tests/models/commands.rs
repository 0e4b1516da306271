//! Commands: requests whose answer depends on state, decided in log order by whoever has the partition.
//!
//! - [`deciding`]: one partition with zombies. Book, facts and rows are those of a sequential execution.
//! - [`crossing`]: a decision that has an effect on another owner, in another partition.
//! - [`voiding`]: an operator sets a record aside that a decider cannot decide, while a newer release arrives.
//! - [`leasing`]: two workers on one piece of work; one result counts.
//!
//! What is decided is not stated again here: the models call `judge`, which deciders run, with small products of their
//! own. A rule that is inside `judge` is switched off by what the model gives it.

mod crossing;
mod decide;
mod deciding;
mod leasing;
mod log;
mod partition;
mod purse;
mod rules;
mod store;
mod voiding;
