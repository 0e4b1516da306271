//! The metrics of the judge and of what follows it.

tidegate_metric::declare! {
    pub(crate) JUDGED_UNTIL_SECONDS: Gauge = "tidegate_pulse_judged_until_seconds",
        "The watermark, in seconds since 1970: up to then everything that was appended is applied and judged.";
    pub(crate) JUDGED_BEHIND_SECONDS: Gauge = "tidegate_pulse_judged_behind_seconds",
        "How far the watermark is behind the clock.";
    pub(crate) IS_ACTIVE: Gauge = "tidegate_pulse_active",
        "1 while this process judges, 0 while another one does or none can.";
    pub(crate) STALLED_PARTITIONS: Gauge = "tidegate_pulse_stalled_partitions",
        "Partitions of the log that the watermark goes on without.";
    pub(crate) SLOTS: Counter = "tidegate_pulse_slots_total" { outcome },
        "Slots decided, by outcome; a slot that changes later counts with each.";
    pub(crate) INCIDENTS: Counter = "tidegate_pulse_incidents_total" { kind, edge },
        "Changes of incidents, by kind and edge (firing, repeat, resolved, flapping).";
    pub(crate) ALERTS: Counter = "tidegate_pulse_alerts_total",
        "Messages handed over for sending.";
    pub(crate) FEED_ROWS: Counter = "tidegate_pulse_feed_rows_total",
        "Rows of the feed that were read.";
    pub(crate) AGENTS: Gauge = "tidegate_pulse_agents",
        "Agents that this process knows.";
    pub(crate) TURN_FAILURES: Counter = "tidegate_pulse_turn_failures_total",
        "Turns of the judge that did not complete; the next one goes on where it stopped.";
    pub(crate) CANARY: Counter = "tidegate_pulse_canary_total" { result },
        "Heartbeats of the canary, by result (sent, failed).";
    pub(crate) IN_DOUBT: Gauge = "tidegate_pulse_in_doubt" { reason },
        "1 while slots of all teams that no run covers are unknown for this reason, otherwise 0.";
    pub(crate) CHECKED_RUNS: Counter = "tidegate_pulse_checked_runs_total",
        "Runs whose checks were judged; one that is judged again counts again.";
    pub(crate) PASSED_OVER: Counter = "tidegate_pulse_checks_passed_over_total",
        "Runs, and results of checks, that were passed over because the store cannot read what belongs to them.";
    pub(crate) ROUND_FAILURES: Counter = "tidegate_pulse_round_failures_total" { what },
        "Rounds that did not complete, by what they do (spend, checks, agent_limits, digests); the next one goes on where it stopped.";
}
