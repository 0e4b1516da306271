//! The consumer that decides commands: books → facts → judge → views → facts → effects → books, for any product.
//!
//! [`Deciding`] is what the [consumer](tidegate_consumer) applies a batch with. For each owner of the batch it has the
//! [book](books_in_memory) and the facts that the records name, [decides](owner_batch) the records in log order, and
//! [writes](saving) what follows, the book last. A [clerk](clerk) appends ticks when changes of books are due. What is to be
//! sent to receivers outside is stored first, and then [sent](sender) by tasks of the partition's assignment. A command
//! that cannot be decided halts its partition, and an operator may have it [set aside](voiding).

mod books_in_memory;
mod change;
mod clerk;
mod deciding;
mod due_times;
mod fail_points;
mod fate;
mod held;
mod loading;
mod metrics;
mod owned_partition;
mod owner_batch;
mod partition_shards;
mod ports;
mod saving;
mod sender;
mod sending;
mod store_seen;
mod stored_decisions;
mod voiding;
mod waiting_index;

pub use change::OwnerChange;
pub use deciding::{Deciding, consumer, consumer_config};
pub use loading::LoadedOwners;
pub use metrics::METRICS;
pub use owned_partition::OwnedPartition;
pub use ports::{DecidingOptions, DecidingPorts};
pub use sending::Sending;
pub use stored_decisions::StoredDecisions;
pub use tidegate_consumer::VoidPorts;
pub use voiding::{Deciders, VoidError, Voided, set_aside, state_of};
