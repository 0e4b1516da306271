//! The ports of the pipeline: one narrow trait per use. Adapters translate and decide nothing; policies get what they
//! need (time, lag, limits) as arguments; errors say what may have happened, not which library failed.
//!
//! Nothing here depends on Kafka, Redis, CQL, files or a product. A product's own tables have their ports in the
//! product.

pub mod accounts;
pub mod books;
pub mod clock;
pub mod dead_letters;
pub mod deliveries;
pub mod documents;
pub mod due;
pub mod facts;
pub mod failure;
pub mod groups;
pub mod ids;
pub mod limits;
pub mod log;
pub mod owner_keys;
pub mod releases;
pub mod replay;
pub mod rows;
pub mod store_error;
pub mod views;
pub mod voids;
pub mod waits;

pub use accounts::{Account, Accounts, Checkpoint, Fate, Halt};
pub use books::{BookWrite, Books, MAX_BOOK_BYTES, StoredBook};
pub use clock::{Clock, SystemClock};
pub use dead_letters::{DeadLetter, DeadLetters};
pub use deliveries::{Deliveries, DeliveryWrite, SendProgress, SendState, WaitingDelivery};
pub use documents::{
    Document, DocumentList, DocumentWrite, Documents, Expected, MAX_DOCUMENT_BYTES, MAX_WRITES, Written,
};
pub use due::{Due, DueOwner, DueWrite};
pub use facts::{FactName, Facts, StoredFact};
pub use failure::{FailureCause, FailureKind};
pub use groups::ConsumerGroups;
pub use ids::{Ids, RandomIds};
pub use limits::{Enter, LimitsDown, LimitsEntered, LimitsVerdict, Mark, RequestLimits, Take, Window};
pub use log::{
    Append, AppendError, Consume, Consumed, Lag, LogError, Origin, PartitionLag, Polled, Provenance, ReadLag, Retention,
};
pub use owner_keys::OwnerKeys;
pub use releases::Releases;
pub use replay::{Again, AppendAgain, LogSpan, ReadLog};
pub use rows::{KeptRow, Meeting, RowKey, RowScan, RowTable, RowWrite, Rows};
pub use store_error::StoreError;
pub use views::{Scan, ScanOrder, ViewRow, ViewWrite, Views};
pub use voids::{Void, VoidRequest, Voids, void_positions};
pub use waits::Waits;
