//! Commands about the log and its records.

pub mod dead_letters;
pub mod kind;
pub mod lag;
pub mod replay;
