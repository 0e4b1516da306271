//! Whether a request is shed: because consumers are behind, or because its partition is halted.

use std::sync::Arc;

use tidegate_kernel::{LogKey, Position};
use tidegate_ports::Append;

use crate::partition_watch::shut;
use crate::policy::{Decision, ShedCause};
use crate::rank::ShedClass;
use crate::refusal::ShedRefusal;
use crate::shed_gauge::{ShedGauge, ShedMetrics};
use crate::thresholds::ShedThresholds;

/// The shed decisions in force. The [lag watch](crate::LagWatch) sets them; requests ask for them.
pub struct Shedding<C> {
    gauge: ShedGauge<C>,
    /// Knows the partition of a key.
    append: Arc<dyn Append>,
    thresholds: ShedThresholds,
}

impl<C: ShedClass> Shedding<C> {
    /// Registers its metrics.
    pub fn new(append: Arc<dyn Append>, thresholds: ShedThresholds, metrics: ShedMetrics) -> Self {
        Shedding { gauge: ShedGauge::register(metrics), append, thresholds }
    }

    /// Whether a request of this class is refused because consumers are behind.
    ///
    /// # Errors
    /// [`ShedRefusal`].
    pub fn shed(&self, class: C) -> Result<(), ShedRefusal<C>> {
        self.gauge.ask(class)
    }

    /// Whether a request of this class is refused because its partition is halted. Its key is made only while any is.
    ///
    /// # Errors
    /// [`ShedRefusal`].
    pub fn shed_partition(&self, key: impl FnOnce() -> LogKey, class: C) -> Result<(), ShedRefusal<C>> {
        match self.gauge.any_halted() {
            true => self.gauge.ask_partition(self.append.partition_of(key()), class),
            false => Ok(()),
        }
    }

    /// Whether every request of this class is refused by now, by its partition's lag or by that of all. For a request
    /// that was let through before: while a share is refused, it is not chosen a second time.
    ///
    /// # Errors
    /// [`ShedRefusal`].
    pub fn shed_all(&self, key: impl FnOnce() -> LogKey, class: C) -> Result<(), ShedRefusal<C>> {
        self.gauge.ask_all(class)?;
        match self.gauge.any_halted() {
            true => self.gauge.ask_all_of_partition(self.append.partition_of(key()), class),
            false => Ok(()),
        }
    }

    /// Whether records of this key go to a partition that sheds all or some of them.
    pub fn is_halted(&self, key: impl FnOnce() -> LogKey) -> bool {
        self.gauge.any_halted() && self.gauge.sheds(self.append.partition_of(key()))
    }

    /// A refusal for another reason than the decision in force.
    pub fn refuse(&self, class: C, cause: ShedCause) -> ShedRefusal<C> {
        self.gauge.refuse(class, cause)
    }

    /// Everything below this offset of the key's partition is accounted for, as far as is known here.
    pub fn accounted(&self, key: LogKey) -> i64 {
        self.gauge.accounted(self.append.partition_of(key))
    }

    /// Whether a record that the log took at this position will be applied: not where all was accounted for before it
    /// was sent. Such a log was created again, and nothing more goes to that partition.
    pub fn will_be_applied(&self, position: Position, accounted_before: i64) -> bool {
        let is_new = position.offset >= accounted_before;
        if !is_new {
            tracing::error!(
                %position,
                accounted = accounted_before,
                "the log took a record at a place that is accounted for: it was created again or lost its end; \
                 nothing is taken for this partition (docs/runbook.md, TidegatePartitionHalted)",
            );
            self.gauge.shut(position.partition, &shut(&self.thresholds));
        }
        is_new
    }

    /// What holds from now on for every request.
    pub(crate) fn set(&self, decision: &Decision) {
        self.gauge.set(decision);
    }

    /// What holds from now on for each partition, in the order of their numbers: what it sheds if it is halted, and the
    /// offset below which it is accounted for.
    pub(crate) fn set_partitions(&self, partitions: &[(Option<Decision>, i64)]) {
        self.gauge.set_partitions(partitions);
    }
}
