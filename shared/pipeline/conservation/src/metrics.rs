//! The metrics of conservation. Those of the process's one other consumer have no `api`.

use tidegate_metric::{Counter, Gauge};

tidegate_metric::declare! {
    pub(crate) LOG_END_OFFSET: Gauge = "tidegate_log_end_offset" { generation, partition },
        "Offset after the last record of the log, by generation and partition, as control last read it.";
    pub(crate) CONSERVATION_RECORDS: Gauge = "tidegate_conservation_records" { state },
        "Records by state (accepted, stored, duplicate, conflict, dead, in_flight); accepted is the sum of the others. Absent where control knows no log: accepted, in_flight.";
    pub(crate) CONSERVATION_DIFFERENCE: Gauge = "tidegate_conservation_difference" { generation, partition },
        "Accepted records less those that are accounted for, by generation and partition: 0, or something is wrong.";
    pub(crate) CONSERVATION_SAMPLED: Counter = "tidegate_conservation_sampled_total" { result },
        "Records that the accounts call stored and that control looked up in the store, by result (found, missing); a missing one is looked for twice before it counts.";
    pub(crate) CONSERVATION_MISSING: Gauge = "tidegate_conservation_missing",
        "Records of the samples that are not in the store by the last look, at most 32: 0, or the store has lost what was settled.";
    pub(crate) COMMANDS_CONSERVATION_RECORDS: Gauge = "tidegate_commands_conservation_records" { api, state },
        "Commands by API and state (accepted, stored: decided, duplicate, conflict: refused, dead: void, in_flight); accepted is the sum of the others.";
    pub(crate) COMMANDS_CONSERVATION_DIFFERENCE: Gauge = "tidegate_commands_conservation_difference" { api, generation, partition },
        "Commands on the log less those that are accounted for, by API, generation and partition: 0, or something is wrong.";
    pub(crate) COMMANDS_CONSERVATION_SAMPLED: Counter = "tidegate_commands_conservation_sampled_total" { api, result },
        "Commands that the accounts count and that were looked up in the store, by API and result (found, missing); a missing one is looked for twice before it counts.";
    pub(crate) COMMANDS_CONSERVATION_MISSING: Gauge = "tidegate_commands_conservation_missing" { api },
        "Commands of the samples whose book or fact is not in the store by the last look, by API, at most 32: 0, or the store has lost what was decided.";
}

/// The metrics of one log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogMetrics(pub Option<&'static str>);

impl LogMetrics {
    pub fn records(self, state: &'static str) -> Gauge {
        match self.0 {
            None => CONSERVATION_RECORDS.with([("state", state)]),
            Some(api) => COMMANDS_CONSERVATION_RECORDS.with([("api", api), ("state", state)]),
        }
    }

    pub fn difference(self, generation: u16, partition: u32) -> Gauge {
        let (generation, partition) = (("generation", generation.to_string()), ("partition", partition.to_string()));
        match self.0 {
            None => CONSERVATION_DIFFERENCE.with([generation, partition]),
            Some(api) => COMMANDS_CONSERVATION_DIFFERENCE.with([("api", api.to_owned()), generation, partition]),
        }
    }

    /// `None`: those who watch the commands' log publish its end themselves.
    pub fn end(self, generation: u16, partition: u32) -> Option<Gauge> {
        let labels = [("generation", generation.to_string()), ("partition", partition.to_string())];
        self.0.is_none().then(|| LOG_END_OFFSET.with(labels))
    }

    pub fn sampled(self, result: &'static str) -> Counter {
        match self.0 {
            None => CONSERVATION_SAMPLED.with([("result", result)]),
            Some(api) => COMMANDS_CONSERVATION_SAMPLED.with([("api", api), ("result", result)]),
        }
    }

    pub fn missing(self) -> Gauge {
        self.0.map_or_else(|| CONSERVATION_MISSING.handle(), |api| COMMANDS_CONSERVATION_MISSING.with([("api", api)]))
    }
}
