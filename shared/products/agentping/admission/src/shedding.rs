//! Whether a request is shed: because consumers are behind, or because its partition is halted.

use std::sync::Arc;

use tidegate_agentping::RunKey;
use tidegate_kernel::{LogKey, Position};
use tidegate_ports::Append;

use crate::partition_watch::shut;
use crate::ports::AdmissionPorts;
use crate::refusal::Refusal;
use crate::shed::{Class, Decision, ShedCause, ShedLines};
use crate::shed_gauge::ShedGauge;

/// The shed decisions in force. The lag watch sets them; requests ask for them.
pub(crate) struct Shedding {
    gauge: ShedGauge,
    /// Knows the partition of a key.
    append: Arc<dyn Append>,
    policy: ShedLines,
}

impl Shedding {
    /// Registers its metrics.
    pub fn new(ports: &AdmissionPorts, policy: ShedLines) -> Self {
        Shedding { gauge: ShedGauge::register(), append: Arc::clone(&ports.append), policy }
    }

    /// Whether a request of this class is refused because consumers are behind.
    ///
    /// # Errors
    /// [`Refusal::Shed`].
    pub fn shed(&self, class: Class) -> Result<(), Refusal> {
        self.gauge.ask(class)
    }

    /// Whether a request of this class is refused because its partition is halted.
    ///
    /// # Errors
    /// [`Refusal::Shed`].
    pub fn shed_partition(&self, key: RunKey, class: Class) -> Result<(), Refusal> {
        match self.gauge.any_halted() {
            true => self.gauge.ask_partition(self.append.partition_of(key.log_key()), class),
            false => Ok(()),
        }
    }

    /// Whether records of this run go to a partition that sheds all or some of them.
    pub fn is_halted(&self, key: RunKey) -> bool {
        self.gauge.any_halted() && self.gauge.sheds(self.append.partition_of(key.log_key()))
    }

    /// A refusal for another reason than the decision in force.
    pub fn refuse(&self, class: Class, cause: ShedCause) -> Refusal {
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
            self.gauge.shut(position.partition, &shut(&self.policy));
        }
        is_new
    }

    /// What holds from now on for every request.
    pub fn set(&self, decision: &Decision) {
        self.gauge.set(decision);
    }

    /// What holds from now on for each partition, in the order of their numbers: what it sheds if it is halted, and the
    /// offset below which it is accounted for.
    pub fn set_partitions(&self, partitions: &[(Option<Decision>, i64)]) {
        self.gauge.set_partitions(partitions);
    }
}
