//! The consumer over a product that could not be smaller: numbers by name, and their sums.

mod dead_letters;
mod halts;
mod outages;
mod sums;
mod went_back;
