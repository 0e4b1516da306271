//! The rules of the house, held by tests: what no lint can see.

mod arrows;
mod documents;
mod sources;
mod statements;
mod tree;
mod words;
