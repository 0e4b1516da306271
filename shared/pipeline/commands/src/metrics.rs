//! The metrics of commands.

tidegate_metric::declare! {
    pub(crate) COMMANDS: Counter = "tidegate_commands_total" { api, outcome },
        "Commands submitted, by API and outcome (answered, refused, repeated, mismatched, expired; shed, too_many_waiting, store_down, log_refused, too_large, undecided).";
    pub(crate) DECISION_SECONDS: Histogram = "tidegate_command_decision_seconds" { api },
        "How long a command took from its submission until its outcome was read.";
    pub(crate) COMMANDS_WAITING: Gauge = "tidegate_commands_waiting" { api },
        "Commands that this process submits or waits for.";
    pub(crate) FACT_READS: Counter = "tidegate_fact_reads_total" { api },
        "Reads for the outcomes of waiting commands; each reads for many commands.";
    pub(crate) FACT_READ_FAILURES: Counter = "tidegate_fact_read_failures_total" { api },
        "Such reads that failed.";
}
