//! The judge's state in the store: agents in 256 shards, and a head with the watermark.
//!
//! Each shard says by itself up to which offsets of the feed its agents have been fed, so shards may be of different
//! times, and of different judges. All that a state has found was written before it is saved.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_agentping::AgentId;
use tidegate_agentping_pulse::Watermark;
use tidegate_agentping_pulse::watermark::PartitionId;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{FailureCause, Meeting, RowKey, RowTable, RowWrite, Rows, StoreError};

use super::doubts::KeptDoubts;
use super::front_doors::DoorWatch;
use super::watching::Watching;

/// The table of the state. A deployment that stood still for longer begins anew.
pub static JUDGE_STATE: RowTable = RowTable { name: "judge_state", keep_days: 30, meeting: Meeting::HigherRank };

/// Shards, by the last byte of an agent's id.
pub const SHARDS: usize = 256;
/// Shards read at once.
const READ_AT_ONCE: usize = 16;

/// Where the feed of each partition is read on.
pub type Cursors = BTreeMap<PartitionId, i64>;

/// The shard of an agent.
pub const fn shard_of(agent: AgentId) -> u8 {
    (agent.bits() & 0xff) as u8
}

/// What is of no agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    pub watermark: Watermark,
    /// Up to where slots were judged.
    pub judged_to: Timestamp,
    /// Greater than the rank of any standing that was written.
    pub rank: u64,
    #[serde(default)]
    pub doors: DoorWatch,
    #[serde(default)]
    pub doubts: KeptDoubts,
}

/// A shard as it is stored.
#[derive(Serialize)]
struct ShardDoc<'s> {
    judged_to: Timestamp,
    cursors: Vec<(PartitionId, i64)>,
    agents: Vec<&'s Watching>,
}

/// A shard as it was stored.
#[derive(Debug, Deserialize)]
pub struct StoredShard {
    pub judged_to: Timestamp,
    cursors: Vec<(PartitionId, i64)>,
    pub agents: Vec<Watching>,
}

impl StoredShard {
    pub fn cursors(&self) -> Cursors {
        self.cursors.iter().copied().collect()
    }
}

/// The row of the head.
///
/// # Errors
/// Never: it holds texts, numbers and lists.
pub fn head_row(head: &Head) -> Result<RowWrite, StoreError> {
    row("head".into(), head, head.watermark.now())
}

/// The row of a shard whose slots are judged to `judged_to`, as of `watermark`.
///
/// # Errors
/// Never: it holds texts, numbers and lists.
pub fn shard_row<'s>(
    shard: u8,
    cursors: &Cursors,
    agents: impl Iterator<Item = &'s Watching>,
    (judged_to, watermark): (Timestamp, Timestamp),
) -> Result<RowWrite, StoreError> {
    let cursors = cursors.iter().map(|(id, offset)| (*id, *offset)).collect();
    row(shard_name(shard), &ShardDoc { judged_to, cursors, agents: agents.collect() }, watermark)
}

/// The head; `None`: no judge has run yet.
///
/// # Errors
/// [`StoreError`]; of a later build, or damaged: [`StoreError::Broken`].
pub async fn read_head(rows: &dyn Rows) -> Result<Option<Head>, StoreError> {
    let found = rows.get(&[key("head".into())]).await?.into_iter().next().flatten();
    found.map(|doc| decoded("head", &doc)).transpose()
}

/// All shards, in their order; `None`: one was never saved.
///
/// # Errors
/// As [`read_head`].
pub async fn read_shards(rows: &dyn Rows) -> Result<Vec<Option<StoredShard>>, StoreError> {
    let mut shards = Vec::with_capacity(SHARDS);
    let numbers: Vec<u8> = (0..=u8::MAX).collect();
    for chunk in numbers.chunks(READ_AT_ONCE) {
        let keys: Vec<RowKey> = chunk.iter().map(|shard| key(shard_name(*shard))).collect();
        for (doc, key) in rows.get(&keys).await?.into_iter().zip(keys) {
            shards.push(doc.map(|doc| decoded(&key.shard, &doc)).transpose()?);
        }
    }
    Ok(shards)
}

fn shard_name(shard: u8) -> SmolStr {
    SmolStr::from(format!("shard-{shard:02x}"))
}

fn key(shard: SmolStr) -> RowKey {
    RowKey { table: &JUDGE_STATE, shard, row: "state".into() }
}

fn row(name: SmolStr, doc: &impl Serialize, watermark: Timestamp) -> Result<RowWrite, StoreError> {
    let doc = serde_json::to_vec(doc).map_err(|error| broken(format!("{name} cannot be written: {error}")))?;
    let rank = u64::try_from(watermark.as_millis()).unwrap_or(0);
    Ok(RowWrite { key: key(name), rank, doc: Some(doc) })
}

fn decoded<T: DeserializeOwned>(name: &str, doc: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(doc).map_err(|error| {
        broken(format!(
            "the judge's state {name} cannot be read ({error}): run the release that wrote it, or a later one, or delete \
             the rows of the table judge_state to begin at now"
        ))
    })
}

fn broken(what: String) -> StoreError {
    StoreError::Broken(FailureCause::from(what))
}

/// Saves rows of the state.
///
/// # Errors
/// [`StoreError`].
pub async fn save(rows: &dyn Rows, writes: Vec<RowWrite>, now: Timestamp) -> Result<(), StoreError> {
    rows.put(Arc::new(writes), now).await
}
