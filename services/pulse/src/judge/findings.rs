//! What a turn has found, as it is written: slots, incidents, messages, standings.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidegate_agentping_pulse::{Edge, SlotOutcome};
use tidegate_agentping_verdicts::{IncidentDoc, PackPlace, SlotDoc, slot_hours};
use tidegate_kernel::Timestamp;
use tidegate_ports::{RowKey, RowWrite, Rows, StoreError};

use super::outbox::{Alert, Outbox};
use super::run_tree::FailedChild;
use crate::fail_points::{AlertStep, after};
use crate::metrics::{ALERTS, INCIDENTS, SLOTS};

/// Rows and messages that are not written yet. What was found stays here until all of it is: the state that says so is
/// saved afterwards.
#[derive(Debug, Default)]
pub struct Findings {
    rows: Vec<RowWrite>,
    alerts: Vec<Alert>,
    /// Slots that are packed by the hour.
    packed: BTreeMap<PackPlace, Vec<SlotDoc>>,
    /// Of the rows, by key: the last one of a row counts.
    places: HashMap<(&'static str, String), usize>,
    /// Failures that are to be shown at other agents, in this turn.
    pub failed_children: Vec<FailedChild>,
}

/// Rows of one call of the store.
const AT_ONCE: usize = 500;

impl Findings {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.alerts.is_empty() && self.packed.is_empty()
    }

    /// How many rows and messages wait.
    pub fn len(&self) -> usize {
        self.rows.len() + self.alerts.len() + self.packed.values().map(Vec::len).sum::<usize>()
    }

    /// A slot as it was decided; `before`: what it was until now, as far as it is known.
    pub fn slot(&mut self, slot: &SlotDoc, before: Option<SlotOutcome>, agent: tidegate_agentping::AgentId) {
        SLOTS.with([("outcome", slot.outcome.as_str())]).increment(1);
        // A slot that was open until its run ended has a row already: a removed row takes as much place as a written one.
        let has_row = before.is_some_and(|before| before != SlotOutcome::Ok);
        match slot_hours::pack_of(agent, slot).filter(|_| !has_row) {
            Some(place) => self.packed.entry(place).or_default().push(slot.clone()),
            None => self.row(slot.row(agent)),
        }
    }

    pub fn incident(&mut self, incident: &IncidentDoc, edge: &'static str, team: tidegate_agentping::TeamId) {
        INCIDENTS.with([("kind", incident.kind.as_str()), ("edge", edge)]).increment(1);
        incident.rows(team).into_iter().for_each(|row| self.row(row));
    }

    pub fn alert(&mut self, alert: Alert) {
        self.alerts.push(alert);
    }

    /// A row; an earlier one under the same key is not written any more.
    pub fn row(&mut self, row: RowWrite) {
        let RowKey { table, shard, row: name } = &row.key;
        let place = self.places.entry((table.name, format!("{shard}\0{name}"))).or_insert(self.rows.len());
        match self.rows.get_mut(*place) {
            Some(before) if before.rank <= row.rank => *before = row,
            Some(_) => {}
            None => self.rows.push(row),
        }
    }

    /// Writes everything, messages first. After a failure all of it is still here, and is written again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write(
        &mut self,
        rows: &dyn Rows,
        outbox: &dyn Outbox,
        judged_until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let has_alerts = !self.alerts.is_empty();
        if has_alerts {
            // A recovery can be of the instant of its alert.
            self.alerts
                .sort_by_key(|Alert { message, .. }| (message.timestamp, message.edge == Edge::Resolved, message.id));
            outbox.put(&self.alerts, judged_until).await?;
            ALERTS.handle().increment(self.alerts.len() as u64);
            self.alerts.clear();
            after(AlertStep::Messages);
        }
        for pack in slot_hours::added(rows, &self.packed).await? {
            self.row(pack);
        }
        self.packed.clear();
        for chunk in self.rows.chunks(AT_ONCE) {
            rows.put(Arc::new(chunk.to_vec()), now).await?;
        }
        self.rows.clear();
        self.places.clear();
        if has_alerts {
            after(AlertStep::Incidents);
        }
        Ok(())
    }
}
