//! The sums as they are shown.

use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::{Partition, Timestamp};

use crate::sample::{Lost, Sample};
use crate::sums::{PartitionSums, Sums, Total};

/// The sums, and why the log's ends are not among them where they are not.
pub struct Reading {
    pub sums: Sums,
    pub log_unknown: Option<String>,
    /// `None`: no samples are taken.
    pub sample: Option<Sample>,
}

impl Reading {
    /// Whether all is accounted for, and of the sample everything was found. `None`: that is not known.
    pub fn adds_up(&self) -> Option<bool> {
        let is_missing = self.sample.as_ref().is_some_and(|sample| !sample.missing.is_empty());
        if is_missing { Some(false) } else { self.sums.adds_up() }
    }
}

/// What is shown.
#[derive(Serialize)]
pub struct View {
    #[serde(with = "iso")]
    read_at: Timestamp,
    /// `null`: not known, because the log is not.
    adds_up: Option<bool>,
    log: LogView,
    /// `null`: nothing is looked up.
    sample: Option<SampleView>,
    total: TotalView,
    partitions: Vec<PartitionView>,
}

/// What the last sample of records that are called stored found in the store.
#[derive(Serialize)]
struct SampleView {
    /// `null`: the first one is in progress.
    #[serde(serialize_with = "iso_option::serialize")]
    taken_at: Option<Timestamp>,
    looked_up: u64,
    missing: Vec<LostView>,
}

#[derive(Serialize)]
struct LostView {
    generation: u16,
    partition: Partition,
    offset: i64,
    #[serde(flatten)]
    about: Map<String, Value>,
}

#[derive(Serialize)]
struct LogView {
    known: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Serialize)]
struct TotalView {
    accepted: Option<i64>,
    stored: u64,
    duplicate: u64,
    conflict: u64,
    dead: u64,
    in_flight: Option<i64>,
    difference: i64,
}

#[derive(Serialize)]
struct PartitionView {
    generation: u16,
    partition: u32,
    /// The accounts are over `[from, next)`.
    from: i64,
    next: i64,
    /// The log has `[first, end)`.
    first: Option<i64>,
    end: Option<i64>,
    #[serde(flatten)]
    sums: TotalView,
}

impl View {
    pub fn of(reading: &Reading, read_at: Timestamp) -> Self {
        let why = reading.log_unknown.clone();
        View {
            read_at,
            adds_up: reading.adds_up(),
            log: LogView { known: why.is_none(), why },
            sample: reading.sample.as_ref().map(SampleView::of),
            total: reading.sums.total().into(),
            partitions: reading.sums.partitions.iter().map(PartitionView::of).collect(),
        }
    }
}

impl SampleView {
    fn of(Sample { taken_at, looked_up, missing, .. }: &Sample) -> Self {
        let shown = |Lost { position, about }: &Lost| LostView {
            generation: position.generation,
            partition: position.partition,
            offset: position.offset,
            about: about.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.clone()))).collect(),
        };
        SampleView { taken_at: *taken_at, looked_up: *looked_up, missing: missing.iter().map(shown).collect() }
    }
}

impl From<Total> for TotalView {
    fn from(total: Total) -> Self {
        let Total { accepted, stored, duplicate, conflict, dead, in_flight, difference } = total;
        TotalView { accepted, stored, duplicate, conflict, dead, in_flight, difference }
    }
}

impl PartitionView {
    fn of(row: &PartitionSums) -> Self {
        PartitionView {
            generation: row.generation,
            partition: row.partition,
            from: row.from,
            next: row.next,
            first: row.log.map(|log| log.first),
            end: row.log.map(|log| log.end),
            sums: TotalView {
                accepted: row.accepted(),
                stored: row.stored,
                duplicate: row.duplicate,
                conflict: row.conflict,
                dead: row.dead,
                in_flight: row.in_flight(),
                difference: row.difference(),
            },
        }
    }
}
