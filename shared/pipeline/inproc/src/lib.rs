//! Each port in memory: for tests, and as the simplest reference of an adapter's behaviour.

pub mod accounts;
pub mod books;
pub mod clock;
pub mod dead_letters;
pub mod deliveries;
pub mod documents;
pub mod due;
pub mod facts;
pub mod limits;
pub mod log;
pub mod membership;
pub mod owner_keys;
pub mod read_positions;
pub mod releases;
pub mod rows;
pub mod views;
pub mod voids;
