//! The judge on ports in memory: records are appended and applied, the clock is set, and what it found is read from its
//! rows and from what it gave to be sent.
#![allow(clippy::unwrap_used, reason = "a test panics where it is wrong")]

mod crashing;
mod doubts;
mod forgetting;
mod front_doors;
mod incidents;
mod lagging;
mod leasing;
mod renaming;
mod rig;
mod settings;
mod slots;
mod standing;
mod two_judges;
