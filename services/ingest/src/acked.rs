//! The highest offset that the log acknowledged to this front door, by partition. A log that ends before it has lost
//! accepted records, which no consumer of the log can notice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use tidegate_kernel::{Partition, Position};
use tidegate_metric::Gauge;

use crate::metrics::LOG_ACKED_OFFSET;

/// The highest offset acknowledged in each partition that this front door wrote to.
#[derive(Default)]
pub(crate) struct Acked(RwLock<HashMap<(u16, Partition), Highest>>);

struct Highest {
    offset: AtomicI64,
    gauge: Gauge,
}

impl Highest {
    /// The gauge may be one record too low for an instant, never too high: too low raises no alarm.
    fn raise(&self, to: i64) {
        if self.offset.fetch_max(to, Ordering::Relaxed) < to {
            self.gauge.set(self.offset.load(Ordering::Relaxed) as f64);
        }
    }
}

impl Acked {
    /// A record was acknowledged here. After the first of its partition this is a look-up and an atomic maximum.
    pub fn note(&self, position: Position) {
        let key = (position.generation, position.partition);
        // A map insert cannot leave a map half changed.
        if let Some(highest) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return highest.raise(position.offset);
        }
        let mut partitions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let opened = || {
            let (generation, partition) = (position.generation.to_string(), position.partition.to_string());
            let gauge = LOG_ACKED_OFFSET.with([("generation", generation), ("partition", partition)]);
            Highest { offset: AtomicI64::new(i64::MIN), gauge }
        };
        partitions.entry(key).or_insert_with(opened).raise(position.offset);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn the_highest_of_each_partition_is_published() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let acked = Acked::default();
        metrics::with_local_recorder(&recorder, || {
            for (generation, partition, offset) in [(1, 0, 0), (1, 3, 9), (1, 0, 2), (1, 0, 1), (2, 3, 4), (1, 3, 9)] {
                acked.note(Position { generation, partition, offset });
            }
        });
        let page = recorder.handle().render();
        for (generation, partition, offset) in [(1, 0, 2), (1, 3, 9), (2, 3, 4)] {
            let line =
                format!("{LOG_ACKED_OFFSET}{{generation=\"{generation}\",partition=\"{partition}\"}} {offset}\n");
            assert!(page.contains(&line), "{line} is not in {page}");
        }
        assert_eq!(page.matches("generation=").count(), 3, "{page}");
    }
}
