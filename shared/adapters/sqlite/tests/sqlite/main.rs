//! The adapter on data folders of the tests' own.

mod command_crash;
mod command_store;
mod dead_letters;
mod folder;
mod inbox;
mod log;
mod log_conformance;
mod log_crash;
mod log_model;
mod log_replay;
mod log_retention;
mod log_support;
mod reconcile;
mod registry;
mod settings_files;
mod store;
mod store_reopened;
