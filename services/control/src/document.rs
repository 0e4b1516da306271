//! A run as `GET /v1/runs/{id}` answers it, in parts: for whoever writes the whole of a run, of any size, and holds no more
//! of it than a page.

use serde::Serialize;
use tidegate_agentping::{Run, RunId};
use tidegate_agentping_ports::EventRow;
use tidegate_kernel::Timestamp;

use crate::model_costs::{ModelCost, ModelCosts};
use crate::run::EventView;
use crate::summary::RunSummary;

/// Writes a run as one JSON object: its members, then its events in the order given, then what its model calls cost.
#[derive(Debug, Default)]
pub struct RunDocument {
    costs: ModelCosts,
    has_events: bool,
}

#[derive(Serialize)]
struct Tail {
    cost_by_model: Vec<ModelCost>,
}

impl RunDocument {
    /// The beginning; `None` for a run without an opening, which is not shown.
    ///
    /// # Errors
    /// It does not serialize, which is a defect.
    pub fn head(&self, id: RunId, run: &Run, now: Timestamp) -> serde_json::Result<Option<String>> {
        let Some(summary) = RunSummary::of(id, run, now) else { return Ok(None) };
        let mut text = serde_json::to_string(&summary)?;
        // The object goes on.
        text.pop();
        text.push_str(",\"events\":[");
        Ok(Some(text))
    }

    /// The next events.
    ///
    /// # Errors
    /// As [`RunDocument::head`].
    pub fn events(&mut self, rows: Vec<EventRow>) -> serde_json::Result<String> {
        let mut text = String::new();
        for row in rows {
            self.costs.add(&row);
            if self.has_events {
                text.push(',');
            }
            self.has_events = true;
            text.push_str(&serde_json::to_string(&EventView::from(row))?);
        }
        Ok(text)
    }

    /// The end.
    ///
    /// # Errors
    /// As [`RunDocument::head`].
    pub fn tail(self) -> serde_json::Result<String> {
        let tail = serde_json::to_string(&Tail { cost_by_model: self.costs.rows() })?;
        Ok(format!("],{}\n", &tail[1..]))
    }
}
