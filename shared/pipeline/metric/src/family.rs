//! A declared metric, and its handles.

use std::fmt;
use std::marker::PhantomData;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, SharedString};

/// Metadata that the recorder ignores.
static METADATA: Metadata<'static> = Metadata::new("tidegate", Level::INFO, None);

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the recorder; its callers have a declared metric"
)]
pub(crate) fn record<T>(ask: impl FnOnce(&dyn Recorder) -> T) -> T {
    metrics::with_recorder(ask)
}

/// A handle of a series: a [`Counter`], [`Gauge`] or [`Histogram`].
pub trait Handle {
    /// The handle of a series. Without a recorder it records nothing.
    fn of(key: &Key) -> Self;
}

impl Handle for Counter {
    fn of(key: &Key) -> Self {
        record(|recorder| recorder.register_counter(key, &METADATA))
    }
}

impl Handle for Gauge {
    fn of(key: &Key) -> Self {
        record(|recorder| recorder.register_gauge(key, &METADATA))
    }
}

impl Handle for Histogram {
    fn of(key: &Key) -> Self {
        record(|recorder| recorder.register_histogram(key, &METADATA))
    }
}

/// A metric with as many labels as declared: one series for each combination of their values. Displays as its name.
#[derive(Debug)]
pub struct Family<H, const LABELS: usize> {
    name: &'static str,
    labels: [&'static str; LABELS],
    handle: PhantomData<fn() -> H>,
}

impl<H, const LABELS: usize> Family<H, LABELS> {
    /// Creates a family. Called by [`declare!`](crate::declare).
    pub const fn new(name: &'static str, labels: [&'static str; LABELS]) -> Self {
        Family { name, labels, handle: PhantomData }
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<H: Handle, const LABELS: usize> Family<H, LABELS> {
    /// The handle of the series with these label values, each named, in the declared order. This is a look-up: on a
    /// path that every request takes, keep the handle.
    pub fn with<V: Into<SharedString>>(&self, labels: [(&'static str, V); LABELS]) -> H {
        debug_assert_eq!(labels.each_ref().map(|(label, _)| *label), self.labels, "the labels of {}", self.name);
        H::of(&Key::from_parts(self.name, Vec::from(labels.map(|(label, value)| Label::new(label, value)))))
    }
}

impl<H: Handle> Family<H, 0> {
    /// The handle of the only series. This is a look-up: on a path that every request takes, keep the handle.
    pub fn handle(&self) -> H {
        H::of(&Key::from_static_name(self.name))
    }
}

impl<H, const LABELS: usize> fmt::Display for Family<H, LABELS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use crate::Kind;

    crate::declare! {
        REQUESTS: Counter = "tidegate_requests_total" { endpoint, outcome }, "Requests by endpoint and outcome.";
        LAG: Gauge = "tidegate_lag_records", "Records that wait.";
        CALL_SECONDS: Histogram = "tidegate_call_seconds", "How long a call took.";
    }

    #[test]
    fn a_declared_metric_is_described_and_measured_with_its_labels() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            METRICS.iter().for_each(crate::Declared::describe);
            REQUESTS.with([("endpoint", "ping"), ("outcome", "accepted")]).increment(3);
            LAG.handle().set(7.0);
            CALL_SECONDS.handle().record(0.5);
        });
        let text = recorder.handle().render();
        for line in [
            r#"tidegate_requests_total{endpoint="ping",outcome="accepted"} 3"#,
            "# HELP tidegate_requests_total Requests by endpoint and outcome.",
            "# TYPE tidegate_lag_records gauge",
            "tidegate_lag_records 7",
            "tidegate_call_seconds_count 1",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn what_is_declared_is_listed() {
        let listed: Vec<_> = METRICS.iter().map(|one| (one.name, one.kind, one.labels)).collect();
        assert_eq!(
            listed,
            [
                (REQUESTS.name(), Kind::Counter, &["endpoint", "outcome"][..]),
                (LAG.name(), Kind::Gauge, &[]),
                (CALL_SECONDS.name(), Kind::Histogram, &[]),
            ]
        );
    }
}
