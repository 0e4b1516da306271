//! The OpenAPI descriptions: checked in, true to the code, and sound.

mod drift;
mod soundness;
