//! Appends chosen records of the log again: plan → read → choose → append, at a limited rate and after live traffic.
//!
//! A record that is appended again goes through the one owner of its partition like any other, and what was applied
//! before changes nothing: a replay may be repeated, and killed and resumed. A product says by [`Choose`] which of its
//! records are asked for.

mod candidate;
mod choice;
mod choose;
mod chooser;
mod error;
mod offsets;
mod pacer;
mod plan;
mod ports;
mod progress_file;
#[cfg(test)]
mod samples;
mod selection;
mod source;
mod state;
mod traffic;
mod walk;
mod waves;

pub use candidate::{Candidate, Replayable};
pub use choice::{Asked, Choice, Reason, judge};
pub use choose::{Choose, CountFates};
pub use chooser::{Choices, Chooser};
pub use error::ReplayError;
pub use offsets::{OffsetRange, OffsetRanges};
pub use plan::{PlanError, PlannedDeadLetters, ReplayPlan, Stretch};
pub use ports::ReplayPorts;
pub use progress_file::{Progress, ProgressFile, ProgressFileError};
pub use selection::{Selection, SelectionRange};
pub use source::{Chunk, ChunkReader};
pub use state::{Doing, Ended, ReplayState, Spent, patiently};
pub use traffic::Yield;
pub use walk::{ReplayPace, Walk};
