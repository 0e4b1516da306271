//! Settings and derived rows over CQL.

use std::sync::Arc;

use tidegate_kernel::Timestamp;
use tidegate_ports::Clock;

use crate::agentping::AgentPingCql;

mod documents;
mod rows;

/// The ports of documents and of rows. Cheap to clone.
#[derive(Clone)]
pub struct ScyllaSettings {
    cql: AgentPingCql,
    clock: Arc<dyn Clock>,
}

impl ScyllaSettings {
    /// Documents and rows end by this clock; the servers delete them by their own.
    pub fn new(cql: AgentPingCql, clock: Arc<dyn Clock>) -> Self {
        ScyllaSettings { cql, clock }
    }

    /// Seconds that what ends then has to live, at least 1: 0 would never end.
    fn seconds_until(&self, ends_at: Timestamp) -> i32 {
        let millis = ends_at.millis_since(self.clock.now());
        i32::try_from(millis.div_ceil(1_000)).unwrap_or(LONGEST_S).clamp(1, LONGEST_S)
    }
}

/// The longest time to live that servers take: 20 years.
const LONGEST_S: i32 = 20 * 365 * 86_400;
