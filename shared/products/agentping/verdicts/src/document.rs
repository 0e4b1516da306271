//! Documents of rows as JSON, and the order of instants as text.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{KeptRow, RowScan, RowTable, Rows, ScanOrder, StoreError};

/// A short text of a format.
macro_rules! smol {
    ($($text:tt)*) => { tidegate_kernel::SmolStr::from(format!($($text)*)) };
}
pub(crate) use smol;

/// A day in milliseconds.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Rows of one scan of a shard that is read whole.
const PAGE: usize = 500;

/// An instant as a text that sorts by time.
pub(crate) fn sortable(at: Timestamp) -> SmolStr {
    smol!("{:015}", at.as_millis().max(0))
}

/// JSON of a document.
pub(crate) fn written(doc: &impl Serialize) -> Vec<u8> {
    // Numbers, texts and lists of them: nothing that JSON does not have.
    serde_json::to_vec(doc).unwrap_or_default()
}

/// Reads a document. One of a later build, or a damaged one, is left out and reported.
pub(crate) fn read<T: DeserializeOwned>(table: &str, shard: &str, doc: &[u8]) -> Option<T> {
    serde_json::from_slice(doc).inspect_err(|error| tracing::error!(table, shard, %error, "a row cannot be read")).ok()
}

/// `rank` of an instant that is moved by so much.
pub(crate) fn rank(at: Timestamp, by: u64) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(0).saturating_add(by)
}

/// All rows of a shard, in the order of their names.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn all_rows(
    rows: &dyn Rows,
    table: &'static RowTable,
    shard: &SmolStr,
) -> Result<Vec<KeptRow>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let scan = RowScan { table, shard: shard.clone(), after, order: ScanOrder::Ascending, limit: PAGE };
        let page = rows.scan(&scan).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|row| row.row.clone());
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}
