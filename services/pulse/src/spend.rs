//! Running sums of spend, counted from the feed and stored for those who decide by them: guard's checks, spend alerts.

mod keeper;
mod stored_pages;

pub use keeper::{SpendKeeper, SpendRound};
