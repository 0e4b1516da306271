//! Admission on the in-process gate, with a log, a store and a registry that tests can break.

mod authenticating;
mod contending;
mod failing;
mod limiting;
mod pricing;
mod remembering;
mod shedding;
mod world;
mod writing;
