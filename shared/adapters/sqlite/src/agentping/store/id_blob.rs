//! Ids as blobs: one byte for the region, 16 for the bits. They sort as the ids do.

use rusqlite::Row;
use tidegate_agentping::Id;
use tidegate_agentping::id::IdKind;
use tidegate_kernel::Region;

use crate::sqlite::failure::unreadable;

pub(crate) type IdBlob = [u8; 17];

pub(crate) fn blob_of<K: IdKind>(id: Id<K>) -> IdBlob {
    let mut blob = [0; 17];
    blob[0] = match id.region() {
        Region::Eu => 0,
        Region::Us => 1,
    };
    blob[1..].copy_from_slice(&id.bits().to_be_bytes());
    blob
}

pub(crate) fn id_at<K: IdKind>(row: &Row<'_>, column: usize) -> rusqlite::Result<Id<K>> {
    let blob: IdBlob = row.get(column)?;
    let region = match blob[0] {
        0 => Region::Eu,
        1 => Region::Us,
        other => return Err(unreadable(column, format!("no region has the number {other}"))),
    };
    let mut bits = [0; 16];
    bits.copy_from_slice(&blob[1..]);
    Ok(Id::from_bits(region, u128::from_be_bytes(bits)))
}
