//! The pure rules, by table and by property.

mod feed_row_texts;
mod feed_rows;
mod fold_any_order;
mod fold_rules;
mod ids;
mod pricing;
mod receipts;
mod records;
mod samples;
