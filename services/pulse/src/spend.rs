//! Running sums of spend, counted from the feed and stored for those who decide by them: guard's checks, spend alerts.

mod alert;
mod guard_watch;
mod handed_over;
mod keeper;
mod quotas;
mod round;
mod stored_models;
mod stored_pages;
mod top;
mod watch;

pub use alert::{QUOTA_MARKS, SpendAlert, TopSpenders, marks_reached};
pub use guard_watch::GuardWatch;
pub use keeper::SpendKeeper;
pub use round::SpendRound;
pub(crate) use stored_pages::broken;
pub use watch::SpendWatch;
