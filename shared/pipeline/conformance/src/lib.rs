//! One test suite per port. Every adapter runs it, the in-memory ones too, so that all behave alike.
//!
//! A case panics where the adapter is wrong. Cases mint new ids, so that they can share one deployment.

pub mod accounts;
pub mod books;
pub mod dead_letters;
pub mod deliveries;
pub mod documents;
pub mod due;
pub mod facts;
pub mod limits;
pub mod log;
mod minted;
pub mod owner_keys;
pub mod releases;
pub mod replay;
pub mod rows;
pub mod views;
pub mod voids;
