//! Which rules decide a command.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of what a product's `decide` and `advance` do, from 1. Each record names the rules that decide it; rules
/// that a record was decided by never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(u16);

impl Rules {
    pub const FIRST: Rules = Rules(1);

    pub const fn new(version: u16) -> Self {
        Rules(version)
    }

    pub const fn version(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
