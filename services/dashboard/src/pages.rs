//! The pages: one file each.

pub(crate) mod actions;
pub(crate) mod agent;
pub(crate) mod agents;
pub(crate) mod alerts;
pub(crate) mod config;
pub(crate) mod guard;
pub(crate) mod incident;
pub(crate) mod keys;
pub(crate) mod overview;
pub(crate) mod quotas;
pub(crate) mod rates;
pub(crate) mod routes;
pub(crate) mod run;
pub(crate) mod run_json;
pub(crate) mod runs;
pub(crate) mod settings;
pub(crate) mod spend;
pub(crate) mod start;
pub(crate) mod token;
pub(crate) mod ways;
