//! What every endpoint of the management API does: bounds its rate, refuses changes by keys that may only read, writes
//! settings with their audit entry in one step, and answers objects with their tags.

mod answer;
mod change;
mod kept;
mod limit;
mod names;
mod page;

pub(crate) use answer::{ETag, deleted, object};
pub(crate) use change::Change;
pub(crate) use kept::Kept;
pub(crate) use limit::TeamLimit;
pub(crate) use names::known_routes;
pub(crate) use page::{NamePage, PAGE_PARAMETERS, page_of, page_of_newest};
