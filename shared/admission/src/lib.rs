//! Who may write, how much, and whether it was written before: authenticate → shed → limit → claim → append →
//! confirm. The same for every front door; it knows nothing of HTTP and answers with causes, not with statuses.

mod admission;
pub mod config;
pub mod refusal;
pub mod shed;
pub mod submission;

pub use admission::{Admission, AdmissionPorts};
pub use config::AdmissionConfig;
pub use refusal::{Refusal, StartField};
pub use shed::Class;
pub use submission::{Acceptance, Caller, KnownRun, Submission};
