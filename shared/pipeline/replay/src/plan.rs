//! The offsets that a replay looks at. They are fixed when it first begins, so that it never reads what it appends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{DeadLetters, LogError, LogSpan, ReadLog};

use crate::offsets::OffsetRanges;
use crate::selection::{Selection, SelectionRange};

/// The offsets or dead letters, and how many of them are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayPlan {
    Stretches(Vec<Stretch>),
    /// The progress file calls them letters.
    #[serde(rename = "letters")]
    DeadLetters(PlannedDeadLetters),
}

/// The offsets `[from, until)` of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    pub partition: Partition,
    pub from: i64,
    pub until: i64,
    /// Every offset before it is done.
    pub next: i64,
}

/// Dead letters, in the order of their positions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedDeadLetters {
    pub generation: u16,
    /// Where the log ended: later dead letters of this generation are not part of this replay.
    pub ends: BTreeMap<Partition, i64>,
    pub total: u64,
    pub done: u64,
    /// The last one that is done.
    pub after: Option<Position>,
}

/// Why there is no plan, or why one that was made before does not fit the log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("--offsets {asked}: the log has partitions 0 to {last}")]
    NoSuchPartition { asked: Partition, last: usize },
    #[error("--offsets {partition}:{from}-…: partition {partition} ends at offset {end}; nothing is there yet")]
    BeyondTheEnd { partition: Partition, from: i64, end: i64 },
    #[error("it goes to offset {until} of partition {partition}, and the log ends at {end}")]
    AheadOfTheLog { partition: Partition, until: i64, end: i64 },
    #[error("it names partition {partition}, which the log does not have")]
    AnotherLog { partition: Partition },
}

impl Stretch {
    const fn new(partition: Partition, from: i64, until: i64) -> Self {
        Stretch { partition, from, until: if until > from { until } else { from }, next: from }
    }

    /// Offsets from `from` up to `to`.
    const fn length(from: i64, to: i64) -> u64 {
        if to > from { from.abs_diff(to) } else { 0 }
    }
}

impl PlannedDeadLetters {
    /// Whether the dead letter at this position is one of this replay.
    pub fn holds(&self, position: Position) -> bool {
        position.generation != self.generation
            || self.ends.get(&position.partition).is_none_or(|end| position.offset < *end)
    }
}

/// Dead letters read at once, at most.
pub const DEAD_LETTERS_AT_ONCE: usize = 200;

impl ReplayPlan {
    /// Records to be looked at.
    pub fn total(&self) -> u64 {
        match self {
            ReplayPlan::Stretches(all) => all.iter().map(|stretch| Stretch::length(stretch.from, stretch.until)).sum(),
            ReplayPlan::DeadLetters(dead_letters) => dead_letters.total,
        }
    }

    /// Records that are done.
    pub fn done(&self) -> u64 {
        match self {
            ReplayPlan::Stretches(all) => all.iter().map(|stretch| Stretch::length(stretch.from, stretch.next)).sum(),
            ReplayPlan::DeadLetters(dead_letters) => dead_letters.done,
        }
    }

    /// The part that is done, as a plan of its own that is not begun.
    #[must_use]
    pub fn done_part(&self) -> Self {
        match self {
            ReplayPlan::Stretches(all) => {
                let done = |stretch: &Stretch| Stretch::new(stretch.partition, stretch.from, stretch.next);
                ReplayPlan::Stretches(all.iter().map(done).collect())
            }
            ReplayPlan::DeadLetters(dead_letters) => ReplayPlan::DeadLetters(PlannedDeadLetters {
                total: dead_letters.done,
                done: 0,
                after: None,
                ..dead_letters.clone()
            }),
        }
    }

    /// Makes the plan of a selection, as the log is now. Offsets that the log does not have any more stay in it: the
    /// replay counts them as gone when it gets there.
    ///
    /// # Errors
    /// [`PlanError`].
    pub async fn make<F>(
        selection: &Selection<F>,
        log: &dyn ReadLog,
        dead_letters: &dyn DeadLetters,
    ) -> Result<Self, PlanError> {
        let spans = log.spans().await?;
        match &selection.range {
            SelectionRange::Time { from, to } => by_time(&spans, log, *from, *to).await.map(ReplayPlan::Stretches),
            SelectionRange::Offsets(ranges) => by_offsets(&spans, ranges).map(ReplayPlan::Stretches),
            SelectionRange::DeadLetters => by_dead_letters(&spans, dead_letters).await.map(ReplayPlan::DeadLetters),
        }
    }

    /// Whether this plan, made before, fits the log as it is now.
    ///
    /// # Errors
    /// [`PlanError::AheadOfTheLog`], [`PlanError::AnotherLog`].
    pub fn check(&self, spans: &[LogSpan]) -> Result<(), PlanError> {
        let end = |partition: Partition| spans.iter().find(|span| span.partition == partition).map(|span| span.end);
        let planned: Vec<(Partition, i64)> = match self {
            ReplayPlan::Stretches(all) => all.iter().map(|stretch| (stretch.partition, stretch.until)).collect(),
            ReplayPlan::DeadLetters(dead_letters) => {
                dead_letters.ends.iter().map(|(partition, end)| (*partition, *end)).collect()
            }
        };
        for (partition, until) in planned {
            match end(partition) {
                Some(end) if end >= until => {}
                Some(end) => {
                    return Err(PlanError::AheadOfTheLog { partition, until, end });
                }
                None => return Err(PlanError::AnotherLog { partition }),
            }
        }
        Ok(())
    }
}

async fn by_time(
    spans: &[LogSpan],
    log: &dyn ReadLog,
    from: Timestamp,
    to: Option<Timestamp>,
) -> Result<Vec<Stretch>, PlanError> {
    let mut stretches = Vec::with_capacity(spans.len());
    for span in spans {
        // What was appended since the spans were read stays out.
        let from = log.offset_at(span.partition, from).await?.clamp(span.first, span.end);
        let until = match to {
            Some(to) => log.offset_at(span.partition, to).await?.clamp(span.first, span.end),
            None => span.end,
        };
        stretches.push(Stretch::new(span.partition, from, until));
    }
    Ok(stretches)
}

fn by_offsets(spans: &[LogSpan], ranges: &OffsetRanges) -> Result<Vec<Stretch>, PlanError> {
    let stretch = |range: &crate::offsets::OffsetRange| {
        let partition = range.partition;
        let span = spans.iter().find(|span| span.partition == partition);
        let no_such = PlanError::NoSuchPartition { asked: partition, last: spans.len().saturating_sub(1) };
        let end = span.ok_or(no_such)?.end;
        if range.from >= end {
            return Err(PlanError::BeyondTheEnd { partition, from: range.from, end });
        }
        Ok(Stretch::new(partition, range.from, range.until.map_or(end, |until| until.min(end))))
    };
    ranges.iter().map(stretch).collect()
}

async fn by_dead_letters(spans: &[LogSpan], dead_letters: &dyn DeadLetters) -> Result<PlannedDeadLetters, PlanError> {
    let generation = spans.first().map_or(0, |span| span.generation);
    let ends = spans.iter().map(|span| (span.partition, span.end)).collect();
    let mut found = PlannedDeadLetters { generation, ends, total: 0, done: 0, after: None };
    let mut after = None;
    loop {
        let some = dead_letters.list(after, DEAD_LETTERS_AT_ONCE).await?;
        let Some(last) = some.last() else { return Ok(found) };
        after = Some(last.position);
        found.total += some.iter().filter(|dead_letter| found.holds(dead_letter.position)).count() as u64;
    }
}

#[cfg(test)]
mod tests;
