//! The rules of schedules, by table and by property.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod alerting;
mod canary;
mod clock_changes;
mod coverage_properties;
mod covering;
mod cron_text;
mod definitions;
mod doubting;
mod endings;
mod incident_properties;
mod independent;
mod judged;
mod judging_many;
mod samples;
mod spending;
mod volumes;
mod watching;
mod watermarks;
mod windows;
