//! The pure rules, by table and by property.

mod fold_any_order;
mod fold_rules;
mod free_json;
mod ids;
mod ledger;
mod money;
mod pricing;
mod receipts;
mod records;
mod samples;
mod times;
