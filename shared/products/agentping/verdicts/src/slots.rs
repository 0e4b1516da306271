//! Slots: what became of each expected run. A row of a day of an agent, under the slot's time.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{AgentId, RunId};
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{DoubtReason, SlotDecision, SlotOutcome};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowScan, RowTable, RowWrite, Rows, ScanOrder, StoreError};

use crate::document::{DAY_MS, rank, read, smol, sortable, written};

/// The table of slots, kept for 30 days.
pub static SLOTS: RowTable = RowTable { name: "agent_slots", keep_days: 30, meeting: Meeting::HigherRank };

/// A decided slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotDoc {
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    #[serde(rename = "deadline_ms")]
    pub deadline: Timestamp,
    pub outcome: SlotOutcome,
    /// The run that covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// With `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DoubtReason>,
    /// With `missed`: the incident that it opened or is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
}

impl SlotDoc {
    pub fn of(decision: &SlotDecision, incident: Option<IncidentId>) -> Self {
        let SlotDecision { slot, outcome, run, reason, .. } = *decision;
        SlotDoc { at: slot.at, deadline: slot.deadline, outcome, run, reason, incident }
    }

    /// The row. A slot goes from undecided to its outcome, and from there at most to the end of its run or to `ok_late`: a
    /// later state has a higher rank.
    pub fn row(&self, agent: AgentId) -> RowWrite {
        let step = match self.outcome {
            SlotOutcome::Open | SlotOutcome::Skipped => 1,
            SlotOutcome::Missed | SlotOutcome::Unknown => 2,
            SlotOutcome::Ok | SlotOutcome::Failed | SlotOutcome::Timeout => 3,
            SlotOutcome::OkLate => 4,
        };
        let key = RowKey { table: &SLOTS, shard: shard(agent, day(self.at)), row: sortable(self.at) };
        RowWrite { key, rank: rank(self.deadline, step), doc: Some(written(self)) }
    }
}

/// Which slots to read, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotQuery {
    pub agent: AgentId,
    /// Slots at or after this.
    pub from: Timestamp,
    /// Slots at or before this.
    pub to: Timestamp,
    /// Only slots before this one.
    pub before: Option<Timestamp>,
    pub limit: usize,
}

impl SlotQuery {
    /// Reads them, a day at a time: at most as many days as the table keeps.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(&self, rows: &dyn Rows) -> Result<Vec<SlotDoc>, StoreError> {
        let last = self.before.map_or(self.to, |before| self.to.min(before.plus_millis(-1)));
        let mut found = Vec::new();
        let oldest_day = day(self.from).max(day(last) - i64::from(SLOTS.keep_days));
        for of_day in (oldest_day..=day(last)).rev() {
            let left = self.limit - found.len();
            if left == 0 {
                break;
            }
            let shard = shard(self.agent, of_day);
            let after = (of_day == day(last)).then(|| sortable(last.plus_millis(1)));
            let order = ScanOrder::Descending;
            let scan = RowScan { table: &SLOTS, shard: shard.clone(), after, order, limit: left };
            let kept = rows.scan(&scan).await?;
            let slots = kept.iter().filter_map(|row| read::<SlotDoc>(SLOTS.name, &shard, &row.doc));
            found.extend(slots.filter(|slot| slot.at >= self.from));
        }
        Ok(found)
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

fn shard(agent: AgentId, day: i64) -> SmolStr {
    smol!("{agent}/{day}")
}
