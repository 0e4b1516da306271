//! What pages are made of: times, amounts, bars, tables of runs, texts of clients.

pub(crate) mod amount;
pub(crate) mod bar;
pub(crate) mod chart;
pub(crate) mod code;
pub(crate) mod control;
pub(crate) mod deliveries;
pub(crate) mod doubts;
pub(crate) mod health;
pub(crate) mod incidents;
pub(crate) mod json;
pub(crate) mod pager;
pub(crate) mod quiet;
pub(crate) mod runs_table;
pub(crate) mod status;
pub(crate) mod ticks;
pub(crate) mod time;
pub(crate) mod value;
