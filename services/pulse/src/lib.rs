//! The role that watches agents: it judges schedules and runs from the feed, opens incidents, and sends what follows.

pub mod agent_limits;
pub mod canary;
pub mod checks;
pub mod digest;
mod fail_points;
pub mod judge;
pub mod messages;
mod metrics;
mod recent_feed;
pub mod rounds;
pub mod sending;
pub mod spend;
pub mod spend_follower;

pub use metrics::METRICS;
pub use recent_feed::RecentFeed;
