//! Submits a command: limits → shed → append → wait for its outcome. Answers with causes, and knows no HTTP.
//!
//! A [`Submitter`] appends a command and waits until its consumer has decided it. One task of the process reads the facts
//! of all commands that wait ([waiting](crate::waiting)). [`enter_limits`] counts a request and marks its key before that.

mod limits;
mod metrics;
mod pace;
mod refusal;
pub mod sealing;
mod store_watch;
mod submitter;
mod waiting;

pub use limits::{MarkGuard, enter_limits};
pub use metrics::METRICS;
pub use refusal::SubmitRefusal;
pub use submitter::{SubmitOptions, SubmitPorts, Submitter};
