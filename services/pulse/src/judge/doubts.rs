//! All sources of doubt of a judge: front doors, the canary, the volume of records, and dead letters.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_agentping_ports::FeedEntry;
use tidegate_agentping_pulse::watermark::PartitionId;
use tidegate_agentping_pulse::{CanaryWatch, Doubt, VolumeWatch, canary_team};
use tidegate_kernel::Timestamp;
use tidegate_ports::{DeadLetters, LogError, Rows, StoreError};
use tokio::time::Instant;

use super::dead_letters::DeadLetterWatch;
use super::front_doors::DoorWatch;
use super::progress::PartitionTarget;
use super::volumes;

/// What is kept of the sources with the judge's state, but for front doors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptDoubts {
    canary: CanaryWatch,
    dead_letters: DeadLetterWatch,
    volume: VolumeWatch,
    /// Up to which offsets records are counted in the volume.
    counted_to: Vec<(PartitionId, i64)>,
}

/// All sources.
pub struct DoubtSources {
    doors: DoorWatch,
    kept: KeptDoubts,
    counted_to: BTreeMap<PartitionId, i64>,
    /// Since when this process sends the canary, if it does, and when something of it last came.
    canary: Option<(Timestamp, Instant)>,
}

/// Nothing is waited for once no heartbeat of the canary has come for so long.
const CANARY_SILENT_AFTER: Duration = Duration::from_millis(CanaryWatch::MISSING_AFTER_MS);
/// Doubt is kept for so long: longer than the longest tolerance.
const KEPT_MS: i64 = 29 * 86_400_000;

/// Whether it is the canary's team, whose agent no team watches.
pub fn is_canary(team: TeamId) -> bool {
    team == canary_team(team.region())
}

impl DoubtSources {
    /// As they were kept. `canary_since`: since when this process sends the canary.
    pub fn new(doors: DoorWatch, kept: KeptDoubts, canary_since: Option<Timestamp>) -> Self {
        let counted_to = kept.counted_to.iter().copied().collect();
        let canary = canary_since.map(|since| (since, Instant::now()));
        DoubtSources { doors, kept, counted_to, canary }
    }

    /// Reads the volumes of other days, once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_volumes(&mut self, rows: &dyn Rows, now: Timestamp) -> Result<(), StoreError> {
        for (hour, counts) in volumes::read(rows, VolumeWatch::hours_before(now)).await? {
            self.kept.volume.add_hour(hour, counts);
        }
        self.kept.volume.restored();
        Ok(())
    }

    /// Writes the volumes of hours that are over.
    ///
    /// # Errors
    /// [`StoreError`]; they are written the next time.
    pub async fn write_volumes(&mut self, rows: &dyn Rows, rank: u64, now: Timestamp) -> Result<(), StoreError> {
        let hours = self.kept.volume.take_changed();
        if hours.is_empty() {
            return Ok(());
        }
        let written = volumes::write(rows, &hours, rank, now).await;
        match &written {
            Ok(()) => self.kept.volume.written(),
            Err(_) => self.kept.volume.not_written(hours.into_iter().map(|(hour, _)| hour)),
        }
        written
    }

    /// Reads what front doors have said up to `to`. Returns up to where it is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_doors(&mut self, rows: &dyn Rows, to: Timestamp) -> Result<Timestamp, StoreError> {
        self.doors.read(rows, to).await
    }

    /// Looks for dead letters below the targets.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn read_dead_letters(
        &mut self,
        dead_letters: &dyn DeadLetters,
        targets: &[PartitionTarget],
        hold_ms: i64,
    ) -> Result<(), LogError> {
        self.kept.dead_letters.read(dead_letters, targets, hold_ms).await
    }

    /// A row of the feed was read, maybe not for the first time.
    pub fn take(&mut self, entry: &FeedEntry) {
        let (row, position) = (&entry.row, entry.position);
        let next = self.counted_to.entry((position.generation, position.partition)).or_default();
        if position.offset < *next {
            return;
        }
        *next = position.offset + 1;
        if row.replayed {
            return;
        }
        if !is_canary(row.team) {
            self.kept.volume.count(row.received_at);
        } else if row.did.opened {
            self.kept.canary.arrived(row.received_at, row.started_at);
            if let Some((_, seen)) = &mut self.canary {
                *seen = Instant::now();
            }
        }
    }

    /// Everything that was received until `to` has been taken. Returns up to where slots can be judged.
    pub fn settle(&mut self, to: Timestamp) -> Timestamp {
        self.kept.volume.judge(to);
        let oldest = to.plus_millis(-KEPT_MS);
        self.kept.canary.forget(oldest);
        self.kept.volume.forget(oldest);
        self.kept.dead_letters.forget(oldest);
        if let Some((since, _)) = self.canary.filter(|_| self.is_silent()) {
            self.kept.canary.missing(since, to);
        }
        self.canary_known_to(to).min(self.kept.volume.known_to(to))
    }

    /// Judges the volume of minutes, where all that was received until `to` has been taken. Returns whether there was
    /// one to judge.
    pub fn judge_volume(&mut self, to: Timestamp) -> bool {
        let is_due = self.kept.volume.is_due(to);
        if is_due {
            self.kept.volume.judge(to);
        }
        is_due
    }

    /// Up to where it is known whether runs were open in doubt of the volume.
    pub fn runs_known_to(&self) -> Timestamp {
        self.kept.volume.runs_known_to()
    }

    /// Up to where it is known whether the canary is missing, by what was received until `to`.
    pub fn canary_known_to(&self, to: Timestamp) -> Timestamp {
        self.canary.map_or(to, |(since, _)| self.kept.canary.known_to(since, self.is_silent(), to))
    }

    fn is_silent(&self) -> bool {
        self.canary.is_some_and(|(_, seen)| seen.elapsed() >= CANARY_SILENT_AFTER)
    }

    /// Doubt that concerns all teams. What goes on lasts until `to`.
    pub fn of_all(&self, to: Timestamp) -> Vec<Doubt> {
        let silent_since = self.canary.filter(|_| self.is_silent()).map(|(since, _)| since);
        let mut doubts = self.doors.of_all().to_vec();
        doubts.extend(self.kept.canary.doubts(silent_since, to));
        doubts.extend(self.kept.volume.doubts(to));
        doubts.extend_from_slice(self.kept.dead_letters.of_all());
        doubts
    }

    /// Doubt that concerns single teams.
    pub fn of_teams(&self) -> HashMap<TeamId, Vec<Doubt>> {
        let mut by_team = self.doors.of_teams();
        self.kept.dead_letters.add_to(&mut by_team);
        by_team
    }

    /// What is kept with the judge's state.
    pub fn kept(&self) -> (DoorWatch, KeptDoubts) {
        let counted_to = self.counted_to.iter().map(|(id, offset)| (*id, *offset)).collect();
        (self.doors.clone(), KeptDoubts { counted_to, ..self.kept.clone() })
    }
}
