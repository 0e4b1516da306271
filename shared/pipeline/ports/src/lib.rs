//! The ports of the pipeline: one narrow trait per use. Adapters translate and decide nothing; policies get what they
//! need (time, lag, limits) as arguments; errors say what may have happened, not which library failed.
//!
//! Nothing here depends on Kafka, Redis, CQL, files or a product. A product's own tables have their ports in the
//! product.

pub mod accounts;
pub mod clock;
pub mod dead_letters;
pub mod failure;
pub mod ids;
pub mod log;
pub mod replay;
pub mod store_error;
pub mod waits;

pub use accounts::{Account, Accounts, Checkpoint, Fate, Halt};
pub use clock::{Clock, SystemClock};
pub use dead_letters::{DeadLetter, DeadLetters};
pub use failure::{FailureCause, FailureKind};
pub use ids::{Ids, RandomIds};
pub use log::{
    Append, AppendError, Consume, Consumed, Lag, LogError, Origin, PartitionLag, Polled, Provenance, ReadLag, Retention,
};
pub use replay::{Again, AppendAgain, LogSpan, ReadLog};
pub use store_error::StoreError;
pub use waits::Waits;
