//! The content of a run's row in a listing: enough to filter and to sum without reading the run. It is one JSON cell,
//! so that absent values cause no tombstones.

use serde::{Deserialize, Serialize};
use tidegate_agentping::record::Start;
use tidegate_agentping::{Run, RunStatus};
use tidegate_agentping_ports::{RunFilter, SpendLine};
use tidegate_kernel::{Timestamp, Usd};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListingCell {
    agent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_as: Option<RunStatus>,
    /// When the idle timeout closes the run; only while nothing else has closed it.
    #[serde(rename = "idle_deadline_ms", default, skip_serializing_if = "Option::is_none")]
    idle_deadline: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_closes_as: Option<RunStatus>,
    /// Only in the listing of all runs, from which spend is summed: elsewhere it would cause a write with every event.
    #[serde(rename = "cost_nanos_usd", default, skip_serializing_if = "Option::is_none")]
    cost: Option<Usd>,
}

impl ListingCell {
    /// The cell of a run that was opened by `start`.
    pub fn of(run: &Run, start: &Start) -> Self {
        ListingCell {
            agent: start.agent.as_str().to_owned(),
            customer_id: start.customer_id.clone().map(Into::into),
            feature: start.feature.clone().map(Into::into),
            closed_as: run.finish.as_ref().map(|finish| finish.status.into()),
            idle_deadline: run.idle_deadline(),
            idle_closes_as: run.idle_deadline().and(run.idle()).map(|idle| idle.status.into()),
            cost: Some(run.cost()),
        }
    }

    pub fn without_cost(self) -> Self {
        ListingCell { cost: None, ..self }
    }

    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// What the run costs; nothing but in the listing of all runs.
    pub fn cost(&self) -> Usd {
        self.cost.unwrap_or_default()
    }

    /// Like [`Run::status_at`].
    pub fn status_at(&self, now: Timestamp) -> RunStatus {
        match (self.closed_as, self.idle_deadline.filter(|deadline| *deadline <= now).and(self.idle_closes_as)) {
            (Some(status), _) | (None, Some(status)) => status,
            (None, None) => RunStatus::Running,
        }
    }

    /// [`RunFilter::admits`], but for the times, which are in the row's key.
    pub fn is_admitted(&self, filter: &RunFilter, now: Timestamp) -> bool {
        let RunFilter { agent, status, customer_id, feature, from: _, to: _ } = filter;
        agent.as_ref().is_none_or(|agent| agent.as_str() == self.agent)
            && (customer_id.is_none() || *customer_id == self.customer_id)
            && (feature.is_none() || *feature == self.feature)
            && status.is_none_or(|status| status == self.status_at(now))
    }

    pub fn spend_at(&self, listed_at: Timestamp, now: Timestamp) -> SpendLine<'_> {
        SpendLine {
            agent: &self.agent,
            customer_id: self.customer_id.as_deref(),
            feature: self.feature.as_deref(),
            listed_at,
            cost: self.cost(),
            successful: self.status_at(now) == RunStatus::Success,
        }
    }
}
