//! Types that every product of the pipeline uses: ids, time, regions, months, exact money, bounded JSON, positions on the
//! log, the [ledger] of committable offsets, and how [commands](command) are decided.
//!
//! Everything here is pure: no I/O, no async, no clock, no HTTP, no SQL. Time and randomness come in as arguments.

pub mod command;
pub mod free_json;
pub mod id;
pub mod ledger;
pub mod log_key;
pub mod month;
pub mod outage;
pub mod position;
pub mod presented;
pub mod region;
pub mod timestamp;
pub mod usd;

pub use free_json::{FreeJson, FreeJsonError};
pub use id::{Id, IdError};
pub use ledger::{Committable, Ledger, PartitionEpoch};
pub use log_key::LogKey;
pub use month::Month;
pub use outage::Outage;
pub use position::{Partition, Position, PositionError};
pub use presented::Presented;
pub use region::Region;
pub use smol_str::SmolStr;
pub use timestamp::Timestamp;
pub use usd::Usd;
