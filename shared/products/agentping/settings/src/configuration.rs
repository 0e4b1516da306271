//! Configuration as code: a team's settings as one file of YAML.
//!
//! A file is read into the JSON that the API takes, with the line of each member, so that both are judged by the same
//! parsers and a fault has its line.

mod peel;
mod reading;
mod writing;

pub use peel::all_faults;
pub use reading::{ConfigFault, ConfigText};
pub use writing::yaml;
