//! The pure rules of the kernel, by table and by property.

mod commands;
mod free_json;
mod ledger;
mod money;
mod times;
