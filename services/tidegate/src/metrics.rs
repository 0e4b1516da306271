//! The metrics of the whole program: those of this crate, and the lists of all other crates in one.

use tidegate_metric::Declared;

tidegate_metric::declare! {
    pub(crate) READY: Gauge = "tidegate_ready",
        "1 while the process is ready, else 0.";
    pub(crate) STARTED_AT_SECONDS: Gauge = "tidegate_started_at_seconds",
        "When the process became ready, in seconds since 1970.";
}

/// Every metric of the program.
pub fn all() -> impl Iterator<Item = &'static Declared> {
    let lists = [
        METRICS,
        tidegate_access::METRICS,
        tidegate_admission::METRICS,
        tidegate_agentgate_api::METRICS,
        tidegate_agentping_alerts::metrics::METRICS,
        tidegate_commands::METRICS,
        tidegate_conservation::METRICS,
        tidegate_consumer::METRICS,
        tidegate_control::METRICS,
        tidegate_dashboard::METRICS,
        tidegate_decider::METRICS,
        tidegate_door::METRICS,
        tidegate_ingest::METRICS,
        tidegate_kafka::METRICS,
        tidegate_persister::METRICS,
        tidegate_pulse::METRICS,
        tidegate_pulse::sending::metrics::METRICS,
        tidegate_redis::METRICS,
        tidegate_scylla::METRICS,
        tidegate_shedding::METRICS,
        tidegate_sqlite::METRICS,
        tidegate_telemetry::METRICS,
    ];
    lists.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tidegate_metric::Kind;

    use super::*;

    #[test]
    fn what_operators_pages_show_is_declared() {
        let declared: HashSet<&str> = all().map(|metric| metric.name).collect();
        let unknown: Vec<&str> = tidegate_operators::metrics_shown().filter(|name| !declared.contains(name)).collect();
        assert!(unknown.is_empty(), "no crate declares {unknown:?}");
    }

    #[test]
    fn names_are_distinct_and_say_their_kind() {
        let mut seen = HashSet::new();
        for metric in all() {
            assert!(seen.insert(metric.name), "{} stands twice", metric.name);
            assert!(metric.name.starts_with("tidegate_"), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
