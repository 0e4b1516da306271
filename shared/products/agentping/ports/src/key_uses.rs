//! When API keys were last used, as front doors and the read API note it: about every five minutes, so that a key that is used
//! all the time costs no write of its own.

use tidegate_agentping::KeyId;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowTable, RowWrite, Rows, StoreError};

/// The table of last uses, a row for each key.
pub static KEY_USES: RowTable = RowTable { name: "key_uses", keep_days: 400, meeting: Meeting::HigherRank };

/// The row of a key that was used at `at`.
pub fn key_use(key: KeyId, at: Timestamp) -> RowWrite {
    let at_ms = at.as_millis().max(0);
    let rank = u64::try_from(at_ms).unwrap_or(0);
    RowWrite { key: row_key(key), rank, doc: Some(at_ms.to_string().into_bytes()) }
}

/// When each of these keys was last used, as far as it was noted.
///
/// # Errors
/// [`StoreError`].
pub async fn last_key_uses(rows: &dyn Rows, keys: &[KeyId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
    let keys: Vec<RowKey> = keys.iter().copied().map(row_key).collect();
    let found = rows.get(&keys).await?;
    let at = |doc: Vec<u8>| std::str::from_utf8(&doc).ok()?.parse().ok().map(Timestamp::from_millis);
    Ok(found.into_iter().map(|doc| doc.and_then(at)).collect())
}

fn row_key(key: KeyId) -> RowKey {
    RowKey { table: &KEY_USES, shard: SmolStr::from(key.to_string()), row: SmolStr::new_static("used") }
}
