//! The figures of the pipeline's page: which metric each one is, and what it should be.

/// One part of the page.
pub(crate) struct Section {
    pub id: &'static str,
    pub title: &'static str,
    /// The processes whose metrics have it.
    pub known_by: &'static str,
    pub figures: &'static [Figure],
}

/// One figure: samples of a metric, added up but for the labels it is split by.
pub(crate) struct Figure {
    pub what: &'static str,
    pub metric: &'static str,
    /// Labels that samples must have, with their values.
    pub only: &'static [(&'static str, &'static str)],
    /// Labels that have a row for each of their values.
    pub split_by: &'static [&'static str],
    pub unit: Unit,
    pub wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    Seconds,
    Bytes,
    /// Seconds since 1970.
    Instant,
    /// 0 or 1.
    YesNo,
    /// 0 to 1.
    Share,
    /// A gauge, next to the gauge that has its most.
    Of(&'static str),
    /// The share of these samples in all of the metric, since the start and in the last minutes.
    ShareOfAll,
}

/// When a figure asks for a look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    Any,
    /// A gauge that is 0 while all is well.
    Zero,
    /// A gauge that is 1 while all is well.
    One,
    AtMost(f64),
    /// A counter that does not rise while all is well.
    Still,
}

impl Figure {
    /// All samples of a metric, added up.
    const fn of(what: &'static str, metric: &'static str) -> Self {
        Figure { what, metric, only: &[], split_by: &[], unit: Unit::Count, wanted: Wanted::Any }
    }

    const fn only(self, only: &'static [(&'static str, &'static str)]) -> Self {
        Figure { only, ..self }
    }

    const fn by(self, split_by: &'static [&'static str]) -> Self {
        Figure { split_by, ..self }
    }

    const fn unit(self, unit: Unit) -> Self {
        Figure { unit, ..self }
    }

    const fn wanted(self, wanted: Wanted) -> Self {
        Figure { wanted, ..self }
    }

    pub fn is_counter(&self) -> bool {
        self.metric.ends_with("_total")
    }
}

/// Every metric that the pages read, some of them twice.
pub fn metrics_shown() -> impl Iterator<Item = &'static str> {
    let figures = SECTIONS.iter().flat_map(|section| section.figures);
    let of_figures = figures.flat_map(|figure| {
        let most = match figure.unit {
            Unit::Of(most) => Some(most),
            _ => None,
        };
        [figure.metric].into_iter().chain(most)
    });
    of_figures.chain([BUILD])
}

/// Which build the process is of, by its labels.
pub(crate) const BUILD: &str = "tidegate_build_info";

const GATE: &[(&str, &str)] = &[("api", "agentgate")];

pub(crate) const SECTIONS: &[Section] = &[
    Section {
        id: "agentping-lag",
        title: "AgentPing: lag and shedding",
        known_by: "a front door (tidegate ingest)",
        figures: &[
            Figure::of("Records not applied yet", "tidegate_lag_records"),
            Figure::of("Age of the oldest", "tidegate_lag_age_seconds")
                .unit(Unit::Seconds)
                .wanted(Wanted::AtMost(30.0)),
            Figure::of("The lag falls by, a second", "tidegate_lag_drain_records_per_second"),
            Figure::of("Pressure of shedding", "tidegate_shed_pressure").unit(Unit::Share).wanted(Wanted::Zero),
            Figure::of("Shed", "tidegate_shed_total").by(&["class", "cause"]).wanted(Wanted::Still),
            Figure::of("Partitions halted", "tidegate_partitions_halted").by(&["cause"]).wanted(Wanted::Zero),
            Figure::of("Readings of the lag that failed", "tidegate_lag_read_failures_total").wanted(Wanted::Still),
        ],
    },
    Section {
        id: "agentping-requests",
        title: "AgentPing: requests",
        known_by: "a front door (tidegate ingest)",
        figures: &[
            Figure::of("Received", "tidegate_requests_received_total"),
            Figure::of("Requests", "tidegate_requests_total").by(&["outcome"]),
            Figure::of("Failed, of all", "tidegate_requests_total")
                .only(&[("outcome", "failed")])
                .unit(Unit::ShareOfAll)
                .wanted(Wanted::Still),
            Figure::of("Failed", "tidegate_requests_total").only(&[("outcome", "failed")]).by(&["cause"]),
            Figure::of("Refused", "tidegate_requests_total").only(&[("outcome", "refused")]).by(&["cause"]),
            Figure::of("Open connections", "tidegate_connections_open").unit(Unit::Of("tidegate_connections_max")),
            Figure::of("Requests in flight", "tidegate_requests_in_flight")
                .unit(Unit::Of("tidegate_requests_in_flight_max")),
            Figure::of("Bytes of bodies in flight", "tidegate_body_bytes_in_flight")
                .unit(Unit::Of("tidegate_body_bytes_in_flight_max")),
            Figure::of("Calls that the gate did not answer", "tidegate_gate_down_total").wanted(Wanted::Still),
            Figure::of("Credentials answered from memory", "tidegate_credentials_stale_total").wanted(Wanted::Still),
            Figure::of("Accepted, compared with nothing", "tidegate_uncompared_total").wanted(Wanted::Still),
        ],
    },
    Section {
        id: "agentping-persister",
        title: "AgentPing: persister",
        known_by: "a persister (tidegate persist)",
        figures: &[
            Figure::of("Records read", "tidegate_records_read_total"),
            Figure::of("Records", "tidegate_records_total").by(&["outcome"]),
            Figure::of("Dead letters made", "tidegate_records_total")
                .only(&[("outcome", "dead_lettered")])
                .wanted(Wanted::Still),
            Figure::of("Offsets committed", "tidegate_commits_total"),
            Figure::of("Steps tried again", "tidegate_persister_retries_total").wanted(Wanted::Still),
            Figure::of("Partitions held by the brake", "tidegate_persister_braked").wanted(Wanted::Zero),
            Figure::of("Partitions without progress for", "tidegate_persister_stalled_seconds")
                .by(&["partition"])
                .unit(Unit::Seconds)
                .wanted(Wanted::AtMost(60.0)),
            Figure::of("Records read again after a restart of the store", "tidegate_records_reread_total"),
        ],
    },
    Section {
        id: "agentping-conservation",
        title: "AgentPing: conservation of records",
        known_by: "the read API (tidegate control)",
        figures: &[
            Figure::of("Records", "tidegate_conservation_records").by(&["state"]),
            Figure::of("Not accounted for", "tidegate_conservation_difference").wanted(Wanted::Zero),
            Figure::of("Sampled and looked up in the store", "tidegate_conservation_sampled_total").by(&["result"]),
            Figure::of("Sampled and not in the store", "tidegate_conservation_missing").wanted(Wanted::Zero),
        ],
    },
    Section {
        id: "agentping-judge",
        title: "AgentPing: schedules and alerts",
        known_by: "the judge (tidegate pulse)",
        figures: &[
            Figure::of("Judges here", "tidegate_pulse_active").unit(Unit::YesNo),
            Figure::of("Judged up to", "tidegate_pulse_judged_until_seconds").unit(Unit::Instant),
            Figure::of("Behind the clock by", "tidegate_pulse_judged_behind_seconds")
                .unit(Unit::Seconds)
                .wanted(Wanted::AtMost(300.0)),
            Figure::of("Partitions left behind", "tidegate_pulse_stalled_partitions").wanted(Wanted::Zero),
            Figure::of("Agents known", "tidegate_pulse_agents"),
            Figure::of("Slots decided", "tidegate_pulse_slots_total").by(&["outcome"]),
            Figure::of("Incidents", "tidegate_pulse_incidents_total").by(&["kind", "edge"]),
            Figure::of("Turns that did not complete", "tidegate_pulse_turn_failures_total").wanted(Wanted::Still),
            Figure::of("Rounds that did not complete", "tidegate_pulse_round_failures_total")
                .by(&["what"])
                .wanted(Wanted::Still),
            Figure::of("Deliveries of alerts", "tidegate_pulse_deliveries_total").by(&["state"]),
            Figure::of("Alerts waiting", "tidegate_pulse_alerts_waiting"),
            Figure::of("Alerts withheld", "tidegate_pulse_alerts_withheld"),
            Figure::of("Tries of alerts", "tidegate_pulse_alert_tries_total").by(&["kind", "result"]),
            Figure::of("Routes disabled", "tidegate_pulse_routes_disabled_total").by(&["kind"]).wanted(Wanted::Still),
        ],
    },
    Section {
        id: "agentping-reads",
        title: "AgentPing: read API, guard and dashboard",
        known_by: "the read API (tidegate control)",
        figures: &[
            Figure::of("Reads and changes", "tidegate_read_requests_total").by(&["outcome"]),
            Figure::of("Failed, of all", "tidegate_read_requests_total")
                .only(&[("outcome", "failed")])
                .unit(Unit::ShareOfAll)
                .wanted(Wanted::Still),
            Figure::of("Pages", "tidegate_page_requests_total").by(&["outcome"]),
            Figure::of("Guard", "tidegate_guard_decisions_total").by(&["decision"]),
            Figure::of("Age of guard's sums", "tidegate_guard_sums_age_seconds")
                .unit(Unit::Seconds)
                .wanted(Wanted::AtMost(300.0)),
            Figure::of("Bytes of answers in flight", "tidegate_answer_bytes_in_flight")
                .unit(Unit::Of("tidegate_answer_bytes_in_flight_max")),
            Figure::of("Reads refused for the byte budget", "tidegate_answers_refused_total").wanted(Wanted::Still),
        ],
    },
    Section {
        id: "agentgate-lag",
        title: "AgentGate: lag and shedding",
        known_by: "a front door (tidegate agentgate serve)",
        figures: &[
            Figure::of("Commands not decided yet", "tidegate_decider_lag_records").only(GATE),
            Figure::of("Age of the oldest", "tidegate_decider_lag_age_seconds")
                .only(GATE)
                .unit(Unit::Seconds)
                .wanted(Wanted::AtMost(5.0)),
            Figure::of("The lag falls by, a second", "tidegate_decider_lag_drain_records_per_second").only(GATE),
            Figure::of("Pressure of shedding", "tidegate_agentgate_shed_pressure")
                .unit(Unit::Share)
                .wanted(Wanted::Zero),
            Figure::of("Shed", "tidegate_agentgate_shed_total").by(&["class", "cause"]).wanted(Wanted::Still),
            Figure::of("Partitions halted", "tidegate_decider_partitions_halted")
                .only(GATE)
                .by(&["cause"])
                .wanted(Wanted::Zero),
            Figure::of("Readings of the lag that failed", "tidegate_decider_lag_read_failures_total")
                .only(GATE)
                .wanted(Wanted::Still),
        ],
    },
    Section {
        id: "agentgate-requests",
        title: "AgentGate: requests",
        known_by: "a front door (tidegate agentgate serve)",
        figures: &[
            Figure::of("Received", "tidegate_agentgate_requests_received_total"),
            Figure::of("Requests", "tidegate_agentgate_requests_total").by(&["outcome"]),
            Figure::of("Failed, of all", "tidegate_agentgate_requests_total")
                .only(&[("outcome", "failed")])
                .unit(Unit::ShareOfAll)
                .wanted(Wanted::Still),
            Figure::of("Failed", "tidegate_agentgate_requests_total").only(&[("outcome", "failed")]).by(&["cause"]),
            Figure::of("Commands", "tidegate_commands_total").only(GATE).by(&["outcome"]),
            Figure::of("Commands in flight", "tidegate_commands_waiting").only(GATE),
        ],
    },
    Section {
        id: "agentgate-decider",
        title: "AgentGate: decider and webhooks",
        known_by: "a decider (tidegate decide --api agentgate)",
        figures: &[
            Figure::of("Commands read", "tidegate_decider_records_read_total").only(GATE),
            Figure::of("Commands", "tidegate_decider_records_total").only(GATE).by(&["outcome"]),
            Figure::of("Steps tried again", "tidegate_decider_retries_total").only(GATE).wanted(Wanted::Still),
            Figure::of("Partitions halted", "tidegate_decider_halted").only(GATE).wanted(Wanted::Zero),
            Figure::of("Partitions without progress for", "tidegate_decider_stalled_seconds")
                .only(GATE)
                .by(&["partition"])
                .unit(Unit::Seconds)
                .wanted(Wanted::AtMost(60.0)),
            Figure::of("Ticks", "tidegate_ticks_total").only(GATE),
            Figure::of("Webhooks waiting", "tidegate_deliveries_waiting").only(GATE),
            Figure::of("Tries of webhooks", "tidegate_deliveries_total").only(GATE).by(&["result"]),
            Figure::of("Webhooks given up", "tidegate_deliveries_total")
                .only(&[("api", "agentgate"), ("result", "given_up")])
                .wanted(Wanted::Still),
        ],
    },
    Section {
        id: "agentgate-conservation",
        title: "AgentGate: conservation of commands and credits",
        known_by: "a decider (tidegate decide --api agentgate)",
        figures: &[
            Figure::of("Commands", "tidegate_commands_conservation_records").only(GATE).by(&["state"]),
            Figure::of("Not accounted for", "tidegate_commands_conservation_difference")
                .only(GATE)
                .wanted(Wanted::Zero),
            Figure::of("Sampled and not in the store", "tidegate_commands_conservation_missing")
                .only(GATE)
                .wanted(Wanted::Zero),
            Figure::of("Organizations whose credits were checked", "tidegate_agentgate_credits_checked_total"),
            Figure::of("Organizations whose credits do not add up", "tidegate_agentgate_credits_off")
                .wanted(Wanted::Zero),
        ],
    },
    Section {
        id: "servers",
        title: "Servers and disk",
        known_by: "a process that uses them",
        figures: &[
            Figure::of("Appends to Kafka", "tidegate_kafka_append_total").by(&["outcome"]),
            Figure::of("Partitions owned here", "tidegate_kafka_assigned_partitions"),
            Figure::of("Redis answers", "tidegate_redis_up").unit(Unit::YesNo).wanted(Wanted::One),
            Figure::of("Redis of the limits answers", "tidegate_redis_limits_up").unit(Unit::YesNo).wanted(Wanted::One),
            Figure::of("Statements to the store", "tidegate_cql_requests_total").by(&["outcome"]),
            Figure::of("Bytes free on the data folder's disk", "tidegate_disk_free_bytes").unit(Unit::Bytes),
        ],
    },
    Section {
        id: "process",
        title: "This process",
        known_by: "every process",
        figures: &[
            Figure::of("Ready since", "tidegate_started_at_seconds").unit(Unit::Instant),
            Figure::of("Background jobs that failed once", "tidegate_job_failures_total")
                .by(&["task"])
                .wanted(Wanted::Still),
            Figure::of("The log has other partitions than configured", "tidegate_log_mismatched")
                .unit(Unit::YesNo)
                .wanted(Wanted::Zero),
            Figure::of("Log lines lost", "tidegate_log_lines_dropped_total").wanted(Wanted::Still),
            Figure::of("Idle connections closed for new ones", "tidegate_connections_gave_way_total").by(&["port"]),
            Figure::of("Requests whose head could not be read", "tidegate_requests_unreadable_total")
                .by(&["port", "cause"]),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_figure_is_wanted_as_its_metric_can_be() {
        let mut ids = HashSet::new();
        for section in SECTIONS {
            assert!(ids.insert(section.id), "{}", section.id);
            let mut names = HashSet::new();
            for figure in section.figures {
                let about = format!("{}: {}", section.id, figure.what);
                assert!(names.insert((figure.what, figure.only)), "{about} stands twice");
                assert_eq!(
                    figure.wanted == Wanted::Still,
                    figure.is_counter() && figure.wanted != Wanted::Any,
                    "{about}"
                );
                assert!(figure.unit != Unit::ShareOfAll || !figure.only.is_empty(), "{about} is a share of itself");
            }
        }
    }
}
