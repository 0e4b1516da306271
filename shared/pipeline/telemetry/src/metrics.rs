//! The numbers of a process, kept in memory and rendered on demand in Prometheus' text form. Nothing listens here:
//! the operations port serves what [`Metrics::render`] gives.

use std::fmt;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::logs;
use crate::names::{ALL, BUILD_INFO, Kind, LOG_LINES_DROPPED};

/// The process's recorder.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Why metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("metrics are set up already in this process")]
    AlreadySet,
}

impl Metrics {
    /// Makes the recorder the process's, so that the `metrics` macros reach it, and describes every metric.
    /// `version` and `role` become labels of [`BUILD_INFO`].
    ///
    /// # Errors
    /// [`MetricsError`].
    pub fn install(version: &'static str, role: &'static str) -> Result<Self, MetricsError> {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::AlreadySet)?;
        describe();
        metrics::gauge!(BUILD_INFO, "version" => version, "role" => role).set(1.0);
        Ok(Metrics(handle))
    }

    /// The text that Prometheus scrapes.
    pub fn render(&self) -> String {
        // Counted where no recorder may be asked: a line can be lost while a metric is recorded.
        metrics::counter!(LOG_LINES_DROPPED).absolute(logs::lines_dropped());
        self.0.render()
    }

    /// Lets the recorder tidy up what gathers between scrapes: call it every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;

    #[test]
    fn what_is_recorded_is_rendered_with_its_description() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::counter!(names::REQUESTS, "endpoint" => "ping", "outcome" => "accepted", "cause" => "none")
                .increment(3);
            metrics::gauge!(names::LAG_RECORDS).set(7.0);
        });
        handle.upkeep();
        let text = handle.render();
        for line in [
            r#"tidegate_requests_total{endpoint="ping",outcome="accepted",cause="none"} 3"#,
            "# HELP tidegate_requests_total Requests by endpoint",
            "# TYPE tidegate_lag_records gauge",
            "tidegate_lag_records 7",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
