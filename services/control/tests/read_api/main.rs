//! The read API over HTTP, on the store in memory, under a clock that stands where it is put.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod access;
mod admitted;
mod bad_input;
mod budget;
mod conservation;
mod counted;
mod described;
mod elsewhere;
mod house;
mod idle;
mod listing;
mod month;
mod outage;
mod preview;
mod receipts;
mod run;
mod sample;
mod settled;
mod shape;
