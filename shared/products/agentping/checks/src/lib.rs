//! The checks of finished runs: what is asked of a run's output and events, and what came of it. Pure, and bounded in time
//! and memory.
