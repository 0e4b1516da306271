//! Commands about the log and what stands on it.

pub mod dead_letters;
pub mod kind;
pub mod lag;
pub mod replay;
