//! The persister on a log and a store in memory: nothing lost, nothing doubled, nothing committed too early.

mod accounting;
mod another_log;
mod brake;
mod dead_letters;
mod faults;
mod feed;
mod membership;
mod poison;
mod refused;
mod rig;
mod seam;
mod steady;
mod went_back;
