//! The read API over HTTP, on the store in memory, under a clock that stands where it is put.

mod access;
mod bad_input;
mod described;
mod house;
mod idle;
mod listing;
mod month;
mod outage;
mod run;
mod shape;
