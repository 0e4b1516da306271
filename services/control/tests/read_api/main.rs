//! The read API over HTTP, on the store in memory, under a clock that stands where it is put.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod access;
mod admitted;
mod agents_managed;
mod alert_messages;
mod alert_routes;
mod alert_routes_refused;
mod audited;
mod bad_changes;
mod bad_input;
mod badges;
mod budget;
mod configured;
mod configured_routes;
mod conservation;
mod counted;
mod described;
mod elsewhere;
mod guard_alerts;
mod guard_checks;
mod guard_paused;
mod guard_rules;
mod guard_sdks;
mod house;
mod idle;
mod judged;
mod keys;
mod limited;
mod listing;
mod mail_links;
mod month;
mod outage;
mod paused;
mod preview;
mod read_only;
mod receipts;
mod renamed;
mod run;
mod run_checks;
mod sample;
mod schedules;
mod settled;
mod shape;
mod team_settings;
mod tokens;
