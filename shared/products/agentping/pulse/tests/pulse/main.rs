//! The rules of schedules, by table and by property.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod clock_changes;
mod cron_text;
mod definitions;
mod independent;
mod samples;
mod windows;
