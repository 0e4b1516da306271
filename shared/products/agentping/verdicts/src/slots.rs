//! Slots: what became of each expected run. A row of a day of an agent, under the slot's time; those that were plainly
//! `ok` at once are [packed by the hour](crate::slot_hours). Former builds have rows for these, too.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{AgentId, RunId};
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{DoubtReason, SlotDecision, SlotOutcome};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowTable, RowWrite};

use crate::document::{DAY_MS, rank, smol, sortable, written};

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
        let key = RowKey { table: &SLOTS, shard: shard(agent, day(self.at)), row: sortable(self.at) };
        RowWrite { key, rank: rank(self.deadline, self.step()), doc: Some(written(self)) }
    }

    /// Of two states of a slot that with the greater step is the later one.
    pub(crate) const fn step(&self) -> u64 {
        match self.outcome {
            SlotOutcome::Open | SlotOutcome::Skipped => 1,
            SlotOutcome::Missed | SlotOutcome::Unknown => 2,
            SlotOutcome::Ok | SlotOutcome::Failed | SlotOutcome::Timeout => 3,
            SlotOutcome::OkLate => 4,
        }
    }
}

/// The day of an instant, counted from 1970 on.
pub(crate) fn day(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

/// The shard of an agent's day.
pub(crate) fn shard(agent: AgentId, day: i64) -> SmolStr {
    smol!("{agent}/{day}")
}
