//! The look of these pages, for pages of other ports: style, script and icon, the frame of a document, times and counts.

pub use crate::assets::{Asset, ICON, SCRIPT, STYLE};
pub use crate::layout::{document, response};
pub use crate::parts::amount::count;
pub use crate::parts::time::{ago, span, stamped};
