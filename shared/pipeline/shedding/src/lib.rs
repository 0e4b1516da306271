//! Shedding: what a front door refuses while consumers are behind. Once a second the [lag watch](LagWatch) reads how far
//! they are behind, a [policy](decide) with [thresholds](ShedThresholds) turns that into a [decision](Decision), and each
//! request asks [`Shedding`] whether it is refused.
//!
//! Which kinds of requests there are is a product's business: it gives each of its [classes](ShedClass) a [rank](Rank).

mod appends;
mod lag_reader;
mod lag_reports;
mod lag_watch;
mod metrics;
mod partition_watch;
mod policy;
mod rank;
mod refusal;
mod shed_gauge;
mod shed_watch;
mod shedding;
mod thresholds;
mod trend;

pub use appends::Appends;
pub use lag_reader::{Behind, LagPorts, LagReader};
pub use lag_watch::{AfterReading, LagWatch};
pub use metrics::METRICS;
pub use policy::{Decision, Reading, ShedCause, decide};
pub use rank::{Rank, ShedClass};
pub use refusal::ShedRefusal;
pub use shed_gauge::ShedMetrics;
pub use shed_watch::ShedWatch;
pub use shedding::Shedding;
pub use thresholds::{ShedThresholds, Thresholds, WhenUnknown};
pub use trend::Trend;
