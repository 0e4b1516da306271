//! Finds in the store what is to be sent: what was stored a moment ago, and now and then everything that waits.

use tidegate_agentping_alerts::outbox::read;
use tidegate_agentping_alerts::rows::{OUTBOX, OUTBOX_DAYS, SHARDS, WITHHELD, bucket_of, outbox_shard, timed_name};
use tidegate_agentping_alerts::{Outstanding, Withheld};
use tidegate_agentping_pulse::DeliveryId;
use tidegate_kernel::{Region, SmolStr, Timestamp};
use tidegate_ports::{KeptRow, RowScan, RowTable, Rows, ScanOrder, StoreError};

const PAGE: usize = 200;
/// So much of what was looked at is looked at again: clocks of writers differ.
const OVERLAP_MS: i64 = 120_000;

/// Offers what was stored since this instant, or shortly before it.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn recent(
    rows: &dyn Rows,
    (since, now): (Timestamp, Timestamp),
    mut offer: impl FnMut(Outstanding),
) -> Result<(), StoreError> {
    let from = since.min(now).plus_millis(-OVERLAP_MS);
    let after = timed_name(from, DeliveryId::from_bits(Region::Eu, 0));
    for shard in 0..SHARDS {
        // A writer's clock may be ahead.
        for bucket in bucket_of(from)..=bucket_of(now.plus_millis(OVERLAP_MS)) {
            each(rows, &OUTBOX, outbox_shard(shard, bucket), Some(after.clone()), &mut offer).await?;
        }
    }
    Ok(())
}

/// Offers everything that waits, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn everything(
    rows: &dyn Rows,
    now: Timestamp,
    mut offer: impl FnMut(Outstanding),
) -> Result<(), StoreError> {
    let from = now.plus_millis(-i64::from(OUTBOX_DAYS) * 86_400_000);
    for bucket in bucket_of(from)..=bucket_of(now.plus_millis(OVERLAP_MS)) {
        for shard in 0..SHARDS {
            each(rows, &OUTBOX, outbox_shard(shard, bucket), None, &mut offer).await?;
        }
    }
    Ok(())
}

/// Everything that waits for the end of a mute.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn withheld(rows: &dyn Rows) -> Result<Vec<Withheld>, StoreError> {
    let mut all = Vec::new();
    for shard in 0..SHARDS {
        each(rows, &WITHHELD, SmolStr::from(shard.to_string()), None, &mut |one| all.push(one)).await?;
    }
    Ok(all)
}

async fn each<T: serde::de::DeserializeOwned>(
    rows: &dyn Rows,
    table: &'static RowTable,
    shard: SmolStr,
    mut after: Option<SmolStr>,
    offer: &mut impl FnMut(T),
) -> Result<(), StoreError> {
    loop {
        let order = ScanOrder::Ascending;
        let page = rows.scan(&RowScan { table, shard: shard.clone(), after: after.take(), order, limit: PAGE }).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|row| row.row.clone());
        for KeptRow { row, doc } in page {
            match read(&doc) {
                Ok(one) => offer(one),
                // The others are sent.
                Err(error) => tracing::error!(table = table.name, %row, %error, "an alert that waits cannot be read"),
            }
        }
        if is_last {
            return Ok(());
        }
    }
}
