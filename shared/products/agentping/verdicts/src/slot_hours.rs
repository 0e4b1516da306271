//! Slots that were plainly `ok` as soon as they were decided, packed by the hour: one row of an agent's day for each hour
//! that has some.
//!
//! A pack only grows, and its rank with it. Who adds to one reads it first, so that a judge that starts again, or a second
//! one, ends with the same: each finds all slots of the hour by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{AgentId, RunId};
use tidegate_agentping_pulse::SlotOutcome;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Meeting, RowKey, RowScan, RowTable, RowWrite, Rows, ScanOrder, StoreError};

use crate::document::{DAY_MS, rank, read, smol, written};
use crate::slots::SlotDoc;

/// The table of packs, kept for 30 days.
pub static SLOT_HOURS: RowTable = RowTable { name: "agent_slot_hours", keep_days: 30, meeting: Meeting::HigherRank };

const HOUR_MS: i64 = 3_600_000;
const HOURS: usize = 24;
/// Packs that one call to the store reads.
const AT_ONCE: usize = 500;

/// A pack's place: the agent and the hour, counted from 1970 on.
pub type PackPlace = (AgentId, i64);

/// One slot of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PackedSlot {
    #[serde(rename = "t")]
    at: Timestamp,
    /// The deadline, in milliseconds after `at`.
    #[serde(rename = "d")]
    deadline_ms: i64,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
}

/// The pack that a slot belongs to; `None`: it has more to say than a pack has place for.
pub fn pack_of(agent: AgentId, slot: &SlotDoc) -> Option<PackPlace> {
    let is_plain = slot.outcome == SlotOutcome::Ok && slot.reason.is_none() && slot.incident.is_none();
    is_plain.then(|| (agent, slot.at.as_millis().div_euclid(HOUR_MS)))
}

/// Rows of packs with these slots, and those that they have.
///
/// # Errors
/// [`StoreError`].
pub async fn added(rows: &dyn Rows, slots: &BTreeMap<PackPlace, Vec<SlotDoc>>) -> Result<Vec<RowWrite>, StoreError> {
    let all: Vec<(&PackPlace, &Vec<SlotDoc>)> = slots.iter().collect();
    let mut writes = Vec::new();
    for some in all.chunks(AT_ONCE) {
        let keys: Vec<RowKey> = some.iter().map(|(place, _)| key(place)).collect();
        let stored = rows.get(&keys).await?;
        for ((key, doc), (place, added)) in keys.into_iter().zip(stored).zip(some) {
            let known: Vec<PackedSlot> =
                doc.and_then(|doc| read(SLOT_HOURS.name, &key.shard, &doc)).unwrap_or_default();
            let mut pack: BTreeMap<Timestamp, PackedSlot> = known.into_iter().map(|slot| (slot.at, slot)).collect();
            pack.extend(added.iter().map(|slot| (slot.at, PackedSlot::of(slot))));
            let pack: Vec<PackedSlot> = pack.into_values().collect();
            let rank = rank(Timestamp::from_millis(place.1 * HOUR_MS), pack.len() as u64);
            writes.push(RowWrite { key, rank, doc: Some(written(&pack)) });
        }
    }
    Ok(writes)
}

/// The packed slots of an agent's day, counted from 1970 on; in no order.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn of_day(rows: &dyn Rows, agent: AgentId, day: i64) -> Result<Vec<SlotDoc>, StoreError> {
    let (table, shard, order) = (&SLOT_HOURS, shard(agent, day), ScanOrder::Ascending);
    let kept = rows.scan(&RowScan { table, shard: shard.clone(), after: None, order, limit: HOURS }).await?;
    let packs = kept.iter().filter_map(|row| read::<Vec<PackedSlot>>(SLOT_HOURS.name, &shard, &row.doc));
    Ok(packs.flatten().map(PackedSlot::unpacked).collect())
}

impl PackedSlot {
    fn of(slot: &SlotDoc) -> Self {
        let deadline_ms = slot.deadline.as_millis() - slot.at.as_millis();
        PackedSlot { at: slot.at, deadline_ms, run: slot.run }
    }

    fn unpacked(self) -> SlotDoc {
        let PackedSlot { at, deadline_ms, run } = self;
        let deadline = at.plus_millis(deadline_ms);
        SlotDoc { at, deadline, outcome: SlotOutcome::Ok, run, reason: None, incident: None }
    }
}

fn key((agent, hour): &PackPlace) -> RowKey {
    let day = (hour * HOUR_MS).div_euclid(DAY_MS);
    RowKey { table: &SLOT_HOURS, shard: shard(*agent, day), row: smol!("{:02}", hour.rem_euclid(HOURS as i64)) }
}

fn shard(agent: AgentId, day: i64) -> tidegate_kernel::SmolStr {
    smol!("{agent}/{day}")
}
