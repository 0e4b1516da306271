//! What pages are made of: times, amounts, bars, tables of runs, texts of strangers.

pub(crate) mod amount;
pub(crate) mod bar;
pub(crate) mod code;
pub(crate) mod json;
pub(crate) mod runs_table;
pub(crate) mod status;
pub(crate) mod time;
