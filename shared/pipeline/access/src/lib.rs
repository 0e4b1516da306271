//! From a credential to its record: a cache in front of a product's table of credentials, which goes on answering for a
//! while when the store is down.
//!
//! What a credential looks like, and what its record allows, is a product's business: [`Access`] is generic over the key
//! that a credential is looked up by (its hash) and over the record.

mod access;
mod coalesce;
mod credential_cache;
mod credential_times;
mod metrics;
mod store_health;

pub use access::{Access, AccessRefusal};
pub use coalesce::Coalesce;
pub use credential_times::CredentialTimes;
pub use metrics::METRICS;
pub use store_health::StoreHealth;
