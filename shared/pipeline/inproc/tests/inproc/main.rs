//! The in-process versions of the ports, by their suites.

mod accounts;
mod commands;
mod replay;
