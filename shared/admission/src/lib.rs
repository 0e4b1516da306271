//! Who may write, how much, and whether it was written before: authenticate → shed → limit → claim → append →
//! confirm. The same for every front door; it knows nothing of HTTP and answers with causes, not with statuses.

pub mod refusal;
pub mod submission;

pub use refusal::{Refusal, StartField};
pub use submission::{Acceptance, Caller, KnownRun, Submission};
