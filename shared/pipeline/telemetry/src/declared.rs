//! The metrics of every process, whatever its role.

tidegate_metric::declare! {
    pub(crate) LOG_LINES_DROPPED: Counter = "tidegate_log_lines_dropped_total",
        "Log lines that were lost because too many waited to be written or because standard error did not take them.";
    pub(crate) BUILD_INFO: Gauge = "tidegate_build_info" { version, role },
        "Always 1; the version and the role (dev, ingest, persist, control, rebuild) are its labels.";

    pub JOB_FAILURES: Counter = "tidegate_job_failures_total" { task },
        "Background jobs that failed once and will be tried again, by task (a label named job would collide with the scraper's own).";
    pub LOG_MISMATCHED: Gauge = "tidegate_log_mismatched",
        "1 while the log has other partitions than this process is configured for, else 0.";
}
