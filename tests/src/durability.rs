//! Whether what was acknowledged is there: clients that keep a book of what they sent, and a verdict that compares
//! what is stored with it.

pub mod book;
pub mod load;
pub mod random;
pub mod verdict;

pub use book::{Book, Sent};
pub use load::{Load, Phase};
pub use random::Random;
