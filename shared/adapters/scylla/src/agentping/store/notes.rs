//! Notes of records that were not simply stored. A note has its record's position as its write timestamp, and expires.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::value::CqlTimestamp;
use tidegate_agentping::RunKey;
use tidegate_agentping_ports::{Note, NotedAccounts};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Fate, StoreError};

use super::ScyllaStore;
use super::layout::{cql_instant, instant};
use crate::batch::PartitionBatch;
use crate::failure::unreadable;

/// Neighbouring offsets whose notes share a partition. Part of the data's layout.
const OFFSETS_PER_BUCKET: i64 = 10_000;
/// Notes written in one batch.
const NOTES_PER_BATCH: usize = 1_000;
/// ScyllaDB's limit of keys in one read.
const NOTES_PER_READ: usize = 100;
/// Reads in progress at once for one call.
const SIDE_BY_SIDE: usize = 16;

/// The columns of a note other than its key.
type NoteCells = (i64, Option<CqlTimestamp>, Option<String>, Option<String>, Option<String>);

#[async_trait]
impl NotedAccounts for ScyllaStore {
    async fn note(&self, notes: Arc<Vec<Note>>) -> Result<(), StoreError> {
        let mut batches: Vec<PartitionBatch> = Vec::new();
        let mut open: Option<(NotesKey, usize)> = None;
        for note in notes.iter() {
            let key = key_of(&note.position);
            open = match open {
                Some((same, rows)) if same == key && rows < NOTES_PER_BATCH => Some((same, rows + 1)),
                _ => {
                    batches.push(PartitionBatch::new("save_notes"));
                    Some((key, 1))
                }
            };
            if let Some(batch) = batches.last_mut() {
                self.add_note(batch, key, note);
            }
        }
        self.write_all(batches).await
    }

    async fn notes(&self, positions: &[Position]) -> Result<Vec<Option<Note>>, StoreError> {
        let mut wanted: Vec<Position> = positions.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let buckets = wanted.chunk_by(|one, other| key_of(one) == key_of(other));
        let reads = buckets.flat_map(|bucket| bucket.chunks(NOTES_PER_READ).map(<[Position]>::to_vec));
        let read = |positions: Vec<Position>| self.notes_of_bucket(positions);
        let found: Vec<Vec<Note>> =
            stream::iter(reads.collect::<Vec<_>>()).map(read).buffered(SIDE_BY_SIDE).try_collect().await?;
        // In the order of positions, since buckets are.
        let found: Vec<Note> = found.into_iter().flatten().collect();
        let of = |position: &Position| found.binary_search_by_key(position, |note| note.position).ok();
        Ok(positions.iter().map(|position| of(position).map(|index| found[index])).collect())
    }

    /// Does nothing: the rows expire.
    async fn forget_notes(&self, _before: Timestamp, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

impl ScyllaStore {
    fn add_note(&self, batch: &mut PartitionBatch, (generation, partition, bucket): NotesKey, note: &Note) {
        let values = (
            generation,
            partition,
            bucket,
            note.position.offset,
            cql_instant(note.appended_at),
            note.key.map(|key| key.team.to_string()),
            note.key.map(|key| key.run.to_string()),
            note.fate.name(),
            note.position.write_timestamp(),
        );
        batch.add(&self.cql.statements().save_note, values);
    }

    /// The notes of these positions, which share a bucket, in their order.
    async fn notes_of_bucket(&self, positions: Vec<Position>) -> Result<Vec<Note>, StoreError> {
        let Some(first) = positions.first().copied() else { return Ok(Vec::new()) };
        let (generation, partition, bucket) = key_of(&first);
        let offsets: Vec<i64> = positions.iter().map(|position| position.offset).collect();
        let values = (generation, partition, bucket, offsets);
        let found = self.cql.run(&self.cql.statements().notes, values).await?;
        let mut notes = Vec::new();
        for row in found.rows.rows::<NoteCells>().map_err(|error| unreadable("notes", error))? {
            let row = row.map_err(|error| unreadable("notes", error))?;
            notes.push(note_of(Position { offset: row.0, ..first }, row)?);
        }
        notes.sort_by_key(|note| note.position);
        Ok(notes)
    }
}

/// Generation, partition and bucket in the table's types.
type NotesKey = (i32, i32, i64);

fn key_of(position: &Position) -> NotesKey {
    let bucket = position.offset.div_euclid(OFFSETS_PER_BUCKET);
    (i32::from(position.generation), position.partition.cast_signed(), bucket)
}

fn note_of(position: Position, (_, appended_at, team, run, fate): NoteCells) -> Result<Note, StoreError> {
    let what = || format!("the note of offset {} of partition {}", position.offset, position.partition);
    let (Some(appended_at), Some(fate)) = (appended_at, fate.as_deref().and_then(Fate::named)) else {
        return Err(unreadable(&what(), "its instant or its fate is missing"));
    };
    let key = match (team, run) {
        (Some(team), Some(run)) => Some(RunKey {
            team: team.parse().map_err(|error| unreadable(&what(), error))?,
            run: run.parse().map_err(|error| unreadable(&what(), error))?,
        }),
        _ => None,
    };
    Ok(Note { position, appended_at: instant(appended_at), key, fate })
}
