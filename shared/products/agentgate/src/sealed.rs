//! Free content, which no decision reads.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Content under its owner's data key, as base64 text. Whoever has no key cannot read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(Box<str>);

impl Sealed {
    /// Takes the base64 text of sealed content.
    pub fn new(base64: impl Into<Box<str>>) -> Self {
        Sealed(base64.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
