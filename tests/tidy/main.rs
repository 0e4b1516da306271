//! The rules of the house, held by tests: what no lint can see.

mod architecture;
mod arrows;
mod circles;
mod documents;
mod sample_product;
mod sources;
mod statements;
mod suites;
mod tree;
mod type_names;
mod use_paths;
mod words;
