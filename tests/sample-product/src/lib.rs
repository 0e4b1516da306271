//! Counters: a second product on the pipeline, small enough to be read in one go. Whoever posts a mark adds to a counter.
//!
//! It shows what a product writes itself, in the order of CONTRIBUTING.md ("A product"). The pipeline knows nothing of it.

pub mod assemble;
pub mod counting;
pub mod front_door;
pub mod mark;
pub mod refusal;
pub mod tables;
