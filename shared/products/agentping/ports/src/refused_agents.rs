//! New agents that were refused because the plan of their team has no slot for them, as stored rows: written by who
//! refused them, read by who alerts the team.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{Slug, TeamId};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowScan, RowTable, RowWrite, Rows, ScanOrder, StoreError};

use crate::front_doors::DAY_MS;

/// The table of refused agents, by the UTC day of the write.
pub static REFUSED_AGENTS: RowTable = RowTable { name: "refused_agents", keep_days: 35, meeting: Meeting::HigherRank };

const PAGE: usize = 500;

/// An agent that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedAgent {
    pub team: TeamId,
    /// As the request named it.
    pub agent: Slug,
    /// Agents that the plan allows.
    pub cap: u32,
    /// When it was refused.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
}

impl RefusedAgent {
    /// The row that is written at `now`. Rows are in the order of their writes: one that had to wait for the store is
    /// not among those that were read before.
    pub fn row(&self, now: Timestamp) -> RowWrite {
        let row = SmolStr::from(format!("{}-{}-{}", instant(now), self.team, self.agent));
        let rank = u64::try_from(now.as_millis()).unwrap_or(0);
        let key = RowKey { table: &REFUSED_AGENTS, shard: day_shard(day(now)), row };
        RowWrite { key, rank, doc: serde_json::to_vec(self).ok() }
    }

    /// Those that were written at `from` or later, up to the day of `to`, in the order of their writes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn written_since(
        rows: &dyn Rows,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<RefusedAgent>, StoreError> {
        let mut found: Vec<RefusedAgent> = Vec::new();
        for day in day(from)..=day(to) {
            let mut after = Some(SmolStr::from(instant(from)));
            loop {
                let (shard, order) = (day_shard(day), ScanOrder::Ascending);
                let page = rows.scan(&RowScan { table: &REFUSED_AGENTS, shard, after, order, limit: PAGE }).await?;
                found.extend(page.iter().filter_map(|row| serde_json::from_slice::<RefusedAgent>(&row.doc).ok()));
                if page.len() < PAGE {
                    break;
                }
                after = page.last().map(|row| row.row.clone());
            }
        }
        Ok(found)
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

fn day_shard(day: i64) -> SmolStr {
    SmolStr::from(format!("day-{day}"))
}

/// Texts of instants sort as the instants do.
fn instant(at: Timestamp) -> String {
    format!("{:015}", at.as_millis().max(0))
}
