//! Doubt that dead letters bring: a record that could not be applied may have been an opening.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::doubt::join;
use tidegate_agentping_pulse::watermark::PartitionId;
use tidegate_agentping_pulse::{Doubt, DoubtReason};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{DeadLetter, DeadLetters, LogError};

use super::progress::PartitionTarget;

/// What is known of dead letters, kept with the judge's state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DeadLetterWatch {
    /// Of each partition: up to which offset its records are accounted for, and how many of them are dead. `None`: nothing was
    /// counted yet, and what is there is not looked at.
    counted: Option<Vec<(PartitionId, (i64, u64))>>,
    of_all: Vec<Doubt>,
    of_teams: Vec<(TeamId, Doubt)>,
}

/// Dead letters that are looked at one by one. With more at once all teams are in doubt.
const MAX_LOOKED_AT: usize = 1_000;

impl DeadLetterWatch {
    /// Looks for dead letters since the last time. A record was received up to `hold_ms` before it was appended.
    ///
    /// # Errors
    /// [`LogError`]: the dead letters cannot be read; nothing is changed.
    pub async fn read(
        &mut self,
        dead_letters: &dyn DeadLetters,
        targets: &[PartitionTarget],
        hold_ms: i64,
    ) -> Result<(), LogError> {
        let now_counted = targets.iter().map(|target| (target.reading.id, (target.settled, target.dead)));
        let Some(counted) = &self.counted else {
            self.counted = Some(now_counted.collect());
            return Ok(());
        };
        let mut known: BTreeMap<PartitionId, (i64, u64)> = counted.iter().copied().collect();
        let (mut of_all, mut of_teams) = (Vec::new(), Vec::new());
        for target in targets {
            let (from, dead_before) = known.get(&target.reading.id).copied().unwrap_or_default();
            let more = target.dead.saturating_sub(dead_before);
            if more > 0 {
                let found = dead_in(dead_letters, target, from).await?;
                let doubt = |letter: &DeadLetter| Doubt {
                    from: letter.appended_at.plus_millis(-hold_ms),
                    until: letter.appended_at,
                    reason: DoubtReason::DeadLetters,
                };
                for letter in found.iter().filter(|letter| letter.provenance.origin.is_none()) {
                    match team_of(letter) {
                        Some(team) => of_teams.push((team, doubt(letter))),
                        None => of_all.push(doubt(letter)),
                    }
                }
                if (found.len() as u64) < more {
                    // When they were appended is not known: some time before what was dead-lettered last, or now.
                    let asked_at = target.asked_at;
                    let last = found.iter().map(|letter| letter.appended_at).max().unwrap_or(asked_at);
                    let from = last.min(asked_at).plus_millis(-hold_ms);
                    of_all.push(Doubt { from, until: asked_at, reason: DoubtReason::DeadLetters });
                }
            }
        }
        known.extend(now_counted);
        self.counted = Some(known.into_iter().collect());
        self.of_all.extend(of_all);
        self.of_teams.extend(of_teams);
        join(&mut self.of_teams);
        Ok(())
    }

    pub fn of_all(&self) -> &[Doubt] {
        &self.of_all
    }

    /// Adds the doubts of single teams.
    pub fn add_to(&self, by_team: &mut HashMap<TeamId, Vec<Doubt>>) {
        for (team, doubt) in &self.of_teams {
            by_team.entry(*team).or_default().push(*doubt);
        }
    }

    /// Forgets what ended before `oldest`.
    pub fn forget(&mut self, oldest: Timestamp) {
        self.of_all.retain(|doubt| doubt.until >= oldest);
        self.of_teams.retain(|(_, doubt)| doubt.until >= oldest);
    }
}

/// The dead letters of a partition from an offset up to where it is settled.
async fn dead_in(
    dead_letters: &dyn DeadLetters,
    target: &PartitionTarget,
    from: i64,
) -> Result<Vec<DeadLetter>, LogError> {
    let (generation, partition) = target.reading.id;
    let after = Position { generation, partition, offset: from - 1 };
    let listed = dead_letters.list(Some(after), MAX_LOOKED_AT).await?;
    let is_in = |letter: &DeadLetter| {
        let Position { generation, partition, offset } = letter.position;
        (generation, partition) == target.reading.id && (from..target.settled).contains(&offset)
    };
    Ok(listed.into_iter().filter(is_in).collect())
}

/// The team that the key names: `team_eu_…/run_eu_…`.
fn team_of(letter: &DeadLetter) -> Option<TeamId> {
    let key = std::str::from_utf8(&letter.provenance.key).ok()?;
    TeamId::parse(key.split_once('/')?.0).ok()
}
