//! Slots: the instants at which runs are expected, and the window of each.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use crate::cron::Cron;
use crate::zone::{Stretch, Zone};

/// One expected run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// When the run is expected.
    pub at: Timestamp,
    /// The first instant of its window: earlier than `at`, for clocks that run ahead.
    pub window_from: Timestamp,
    /// The last instant of its window.
    pub deadline: Timestamp,
    /// The wall clock leaves out its time: cron programs disagree on whether it runs, so no run is a doubt and no miss.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_gap: bool,
}

impl Slot {
    /// The slot at `at`, `gap_ms` after the one before it.
    pub(crate) fn new(at: Timestamp, gap_ms: u64, tolerance_s: u32, in_gap: bool) -> Self {
        let tolerance_ms = i64::from(tolerance_s) * 1_000;
        let early_ms = tolerance_ms.min(i64::try_from(gap_ms / 2).unwrap_or(i64::MAX));
        Slot { at, window_from: at.plus_millis(-early_ms), deadline: at.plus_millis(tolerance_ms), in_gap }
    }

    /// Whether the window holds this instant; both ends belong to it.
    pub fn holds(&self, instant: Timestamp) -> bool {
        self.window_from <= instant && instant <= self.deadline
    }
}

/// When runs are expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timing {
    /// At the instants of a cron expression in a zone.
    Cron { cron: Cron, zone: Zone },
    /// So many seconds after the last run's opening was received.
    Every { period_s: u32 },
}

impl Timing {
    /// The first slot after `after` by the calendar; for a period, `after` counts as the last opening.
    pub fn slot_after(&self, after: Timestamp, tolerance_s: u32) -> Option<Slot> {
        match self {
            Timing::Cron { cron, zone } => {
                let (at, in_gap) = fires_after(cron, zone, after)?;
                let before = fires_before(cron, zone, at);
                let gap_ms = before.map_or(u64::MAX, |before| at.millis_since(before));
                Some(Slot::new(at, gap_ms, tolerance_s, in_gap))
            }
            Timing::Every { period_s } => {
                let gap_ms = u64::from(*period_s) * 1_000;
                Some(Slot::new(after.plus_millis(i64::from(*period_s) * 1_000), gap_ms, tolerance_s, false))
            }
        }
    }

    /// The slot that comes after the slot at `at`, if no run comes in between.
    pub(crate) fn slot_following(&self, at: Timestamp, tolerance_s: u32) -> Option<Slot> {
        match self {
            Timing::Cron { cron, zone } => {
                let (next, in_gap) = fires_after(cron, zone, at)?;
                Some(Slot::new(next, next.millis_since(at), tolerance_s, in_gap))
            }
            Timing::Every { .. } => self.slot_after(at, tolerance_s),
        }
    }
}

const fn instant(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

/// The first instant after `after`, and whether a gap of the wall clock moved it.
///
/// A stretch of one offset has a wall clock that only goes forward, so each is searched by itself. A time that the clock
/// leaves out has its slot at the first minute after the gap; one that it repeats has its slot the first time only, unless
/// the expression takes any hour.
pub fn fires_after(cron: &Cron, zone: &Zone, after: Timestamp) -> Option<(Timestamp, bool)> {
    let mut from = after.as_millis().div_euclid(1_000) + 1;
    loop {
        let stretch = zone.stretch(from)?;
        let begins_here = stretch.from.is_some_and(|(first, _)| first == from);
        if begins_here && let Some(moved) = moved_to(cron, &stretch) {
            return Some((instant(from), moved));
        }
        let wall = cron.first_wall((from + stretch.offset).max(first_own_wall(cron, &stretch)))?;
        let at = wall - stretch.offset;
        match stretch.until {
            Some(until) if at >= until => from = until,
            _ => return Some((instant(at), false)),
        }
    }
}

/// The last instant before `before`.
pub fn fires_before(cron: &Cron, zone: &Zone, before: Timestamp) -> Option<Timestamp> {
    let mut to = (before.as_millis() - 1).div_euclid(1_000);
    loop {
        let stretch = zone.stretch(to)?;
        let wall = cron.last_wall(to + stretch.offset);
        let Some((first, _)) = stretch.from else { return Some(instant(wall? - stretch.offset)) };
        let own = first_own_wall(cron, &stretch).max(first + stretch.offset);
        if let Some(wall) = wall.filter(|wall| *wall >= own) {
            return Some(instant(wall - stretch.offset));
        }
        if moved_to(cron, &stretch).is_some() {
            return Some(instant(first));
        }
        to = first - 1;
    }
}

/// The first wall-clock time of a stretch that is not a repetition, for an expression with hours of its own.
fn first_own_wall(cron: &Cron, stretch: &Stretch) -> i64 {
    match stretch.from {
        Some((first, before)) if before > stretch.offset && !cron.has_any_hour() => first + before,
        _ => i64::MIN,
    }
}

/// Whether a time in the gap before this stretch moves to its first second: `None` if none does; `false` if that second is
/// a matching time by itself.
fn moved_to(cron: &Cron, stretch: &Stretch) -> Option<bool> {
    let (first, before) = stretch.from?;
    if before >= stretch.offset || cron.has_any_hour() {
        return None;
    }
    let last = cron.last_wall(first + stretch.offset - 1)?;
    let by_itself = || cron.first_wall(first + stretch.offset) == Some(first + stretch.offset);
    (last >= first + before).then(|| !by_itself())
}
