//! The metrics of a process, kept in memory and rendered on demand in Prometheus' text format. This module opens no
//! listener: the operations port serves the result of [`Metrics::render`].

use std::fmt;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tidegate_metric::Declared;

use crate::declared::{BUILD_INFO, LOG_LINES_DROPPED};
use crate::logs;

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
    /// Installs the process's recorder, so that declared metrics reach it, and describes every metric of the program.
    /// `version` and `role` become labels of [`BUILD_INFO`].
    ///
    /// # Errors
    /// [`MetricsError`].
    pub fn install(
        version: &'static str,
        role: &'static str,
        declared: impl IntoIterator<Item = &'static Declared>,
    ) -> Result<Self, MetricsError> {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::AlreadySet)?;
        declared.into_iter().for_each(Declared::describe);
        BUILD_INFO.with([("version", version), ("role", role)]).set(1.0);
        Ok(Metrics(handle))
    }

    /// The text that Prometheus scrapes.
    pub fn render(&self) -> String {
        // Lost lines are counted outside the recorder, since a line can be lost while a metric is recorded.
        LOG_LINES_DROPPED.handle().absolute(logs::lines_dropped());
        self.0.render()
    }

    /// Runs the recorder's upkeep, which bounds the data kept between scrapes. Call it every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::{JOB_FAILURES, METRICS};

    #[test]
    fn what_is_recorded_is_rendered_with_its_description() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            METRICS.iter().for_each(Declared::describe);
            JOB_FAILURES.with([("task", "sweep")]).increment(3);
            BUILD_INFO.with([("version", "1"), ("role", "dev")]).set(1.0);
        });
        handle.upkeep();
        let text = handle.render();
        for line in [
            r#"tidegate_job_failures_total{task="sweep"} 3"#,
            "# HELP tidegate_job_failures_total Background jobs that failed",
            "# TYPE tidegate_build_info gauge",
            r#"tidegate_build_info{version="1",role="dev"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
