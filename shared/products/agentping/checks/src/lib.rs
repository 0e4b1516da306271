//! The checks of finished runs: what is asked of a run's output and events, and what came of it.
//!
//! A check is [parsed](definition) with its faults, compiled once, and evaluated on the facts of a run. What a hostile
//! schema, pattern or output may cost is bounded: beyond it the outcome is `error`, never `fail`.

pub mod definition;
mod evaluate;
mod evaluator;
mod facts;
mod members;
mod place;
mod regexes;
mod results;
pub mod rows;
mod schema;
mod schema_cost;

pub use definition::{CheckDoc, CheckFault, CheckWhen, MAX_CHECKS};
pub use evaluate::{MAX_OUTPUT_BYTES, RunFacts, ToolCall};
pub use evaluator::{BUDGET, Evaluator};
pub use results::{CheckId, CheckOutcome, CheckResult, CheckResultId, checks_passed, result_id};
