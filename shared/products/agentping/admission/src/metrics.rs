//! The metrics of admission.

tidegate_metric::declare! {
    pub(crate) GATE_DOWN: Counter = "tidegate_gate_down_total",
        "Calls that the gate did not answer: such requests were limited by the local share.";
    pub(crate) CONFIRMS_DROPPED: Counter = "tidegate_confirms_dropped_total",
        "Confirmations of claims that were dropped because too many were in progress, which is safe.";
    pub(crate) IDS_REUSED: Counter = "tidegate_ids_reused_total",
        "Calls that close a run which was closed before and that are not retries: they have another status, or come more than ten minutes after the first.";
    pub(crate) GATE_CLAIMS: Gauge = "tidegate_gate_claims",
        "Claims that the gate holds in this process' memory.";
    pub(crate) GATE_CLAIM_BYTES: Gauge = "tidegate_gate_claim_bytes",
        "Bytes that these claims take at most: admission.max_claim_bytes bounds them.";
    pub(crate) UNCOMPARED: Counter = "tidegate_uncompared_total",
        "Requests accepted although their ids could be compared with nothing: the gate had lost its memory, and the store was down.";
    pub(crate) AGENT_CAP_WARNINGS: Counter = "tidegate_agent_cap_warnings_total",
        "Teams that reached four fifths of the agents that their plan allows, each counted once; the log names them.";

    pub(crate) SHED: Counter = "tidegate_shed_total" { class, cause },
        "Requests refused because the persisters are behind, by class (events, start, finish, heartbeat) and cause (age, records, unknown, partition_halted).";
    pub(crate) SHED_PRESSURE: Gauge = "tidegate_shed_pressure",
        "How much is shed: 0 nothing, 0.25 all events, 0.5 starts too, 0.75 finishes too, 1 everything.";
}

/// Makes the counters of a whole admission, so that a scrape finds them at zero before anything has happened: an alert on a
/// rise must see what it rose from.
pub(crate) fn register() {
    for counter in [GATE_DOWN, CONFIRMS_DROPPED, IDS_REUSED, UNCOMPARED, AGENT_CAP_WARNINGS] {
        counter.handle().increment(0);
    }
}
