//! Doubt that front doors bring: minutes in which they refused openings for our reasons, and times in which none was ready.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_agentping_ports::front_doors::{MINUTE_MS, ReadySpan, RefusedMinute};
use tidegate_agentping_pulse::doubt::join;
use tidegate_agentping_pulse::{Doubt, DoubtReason};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Rows, StoreError};
use tokio::time::Instant;

/// What is known of front doors, kept with the judge's state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DoorWatch {
    /// Since when they say whether they are ready. Before that nothing follows from their silence.
    since: Option<Timestamp>,
    /// Up to where the doubts below are known.
    checked_to: Option<Timestamp>,
    of_all: Vec<Doubt>,
    of_teams: Vec<(TeamId, Doubt)>,
    /// The last instant at which one said that it is ready.
    newest: Option<Timestamp>,
    /// When that was last seen to change.
    #[serde(skip)]
    moved: Option<Instant>,
}

/// What is older is not read again: who could not write its counts has written them by then.
const READ_AGAIN_MS: i64 = 15 * 60_000;
/// Shorter than this, a time without a ready front door is no gap.
const SHORTEST_GAP_MS: i64 = 1_000;
/// Doubt is kept for so long: longer than the longest tolerance.
const KEPT_MS: i64 = 29 * 86_400_000;
/// A front door says every few seconds that it is ready; one that says nothing for so long is not.
const SILENT_AFTER: Duration = Duration::from_secs(15);
/// Of a minute's openings so many are one refused one at most, or else all teams are in doubt.
const ONE_IN: u64 = 100;

impl DoorWatch {
    pub fn of_all(&self) -> &[Doubt] {
        &self.of_all
    }

    pub fn of_teams(&self) -> HashMap<TeamId, Vec<Doubt>> {
        let mut by_team: HashMap<TeamId, Vec<Doubt>> = HashMap::new();
        for (team, doubt) in &self.of_teams {
            by_team.entry(*team).or_default().push(*doubt);
        }
        by_team
    }

    /// Reads what front doors have said up to `to`. Returns up to where it is known: not beyond what the last one said, until
    /// it has been silent for a while.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(&mut self, rows: &dyn Rows, to: Timestamp) -> Result<Timestamp, StoreError> {
        // A clock that was set back does not make unknown what is known.
        let to = self.checked_to.map_or(to, |checked| to.max(checked));
        let begin = self.checked_to.unwrap_or(to).plus_millis(-READ_AGAIN_MS);
        let begin = begin.plus_millis(-begin.as_millis().rem_euclid(MINUTE_MS));
        // Also what is newer than `to`: a front door that has said something later was ready then.
        let spans = ReadySpan::between(rows, begin, to.plus_millis(MINUTE_MS)).await?;
        let newest = spans.iter().map(|span| span.to).max();
        if newest > self.newest || self.moved.is_none() {
            (self.newest, self.moved) = (newest.max(self.newest), Some(Instant::now()));
        }
        self.since = self.since.or_else(|| spans.iter().map(|span| span.from).min());
        let is_silent = self.moved.is_none_or(|moved| moved.elapsed() >= SILENT_AFTER);
        let to = self.newest.filter(|_| !is_silent).map_or(to, |newest| to.min(newest));
        let begin = begin.min(to);
        self.of_all.retain(|doubt| doubt.from < begin);
        self.of_teams.retain(|(_, doubt)| doubt.from < begin);
        if let Some(since) = self.since {
            // A gap that began before is continued here.
            self.of_all.iter_mut().for_each(|doubt| doubt.until = doubt.until.min(begin));
            let begin = begin.max(since);
            self.of_all.extend(gaps(spans, begin, to));
        }
        let minutes = RefusedMinute::between(rows, begin, to).await?;
        self.refused(&minutes);
        let oldest = to.plus_millis(-KEPT_MS);
        self.of_all.retain(|doubt| doubt.until >= oldest);
        self.of_teams.retain(|(_, doubt)| doubt.until >= oldest);
        self.checked_to = self.checked_to.max(Some(to));
        Ok(to)
    }

    fn refused(&mut self, minutes: &[(Timestamp, RefusedMinute)]) {
        let mut sums: HashMap<Timestamp, (u64, u64)> = HashMap::new();
        for (minute, counts) in minutes {
            let sum = sums.entry(*minute).or_default();
            *sum = (sum.0 + counts.openings, sum.1 + counts.refused);
            self.of_teams.extend(counts.of_teams.iter().map(|(team, _)| (*team, doubtful(*minute))));
        }
        join(&mut self.of_teams);
        let many = sums.into_iter().filter(|(_, (openings, refused))| *refused > 0 && refused * ONE_IN >= *openings);
        self.of_all.extend(many.map(|(minute, _)| doubtful(minute)));
    }
}

fn doubtful(minute: Timestamp) -> Doubt {
    Doubt { from: minute, until: minute.plus_millis(MINUTE_MS - 1), reason: DoubtReason::FrontDoor }
}

/// What no span covers: a run that was received in the first or last millisecond of a span got through.
fn gaps(mut spans: Vec<ReadySpan>, from: Timestamp, to: Timestamp) -> Vec<Doubt> {
    spans.sort_by_key(|span| span.from);
    let (mut begin, mut gaps) = (from, Vec::new());
    let mut gap = |from: Timestamp, until: Timestamp| {
        if until.as_millis() - from.as_millis() >= SHORTEST_GAP_MS - 2 {
            gaps.push(Doubt { from, until, reason: DoubtReason::FrontDoor });
        }
    };
    for span in spans.iter().filter(|span| span.to >= from && span.from <= to) {
        gap(begin, span.from.plus_millis(-1));
        begin = begin.max(span.to.plus_millis(1));
    }
    gap(begin, to);
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn span(from: i64, to: i64) -> ReadySpan {
        ReadySpan { from: at(from), to: at(to) }
    }

    /// An outage of hours, of which the last minutes are read again each time.
    #[test]
    fn minutes_of_one_team_are_joined() {
        let team = TeamId::from_bits(tidegate_kernel::Region::Eu, 7);
        let counts = RefusedMinute { openings: 1_000, refused: 1, of_teams: vec![(team, 1)] };
        let minutes = |from: i64| (from..from + 16).map(|minute| (at(minute * 60), counts.clone())).collect::<Vec<_>>();
        let mut watch = DoorWatch::default();
        (0..600).for_each(|from| watch.refused(&minutes(from)));
        watch.refused(&minutes(1_000));
        let joined: Vec<(Timestamp, Timestamp)> =
            watch.of_teams()[&team].iter().map(|doubt| (doubt.from, doubt.until.plus_millis(1))).collect();
        assert_eq!(joined, [(at(0), at(615 * 60)), (at(60_000), at(60_960))]);
    }

    #[test]
    fn what_no_front_door_covers_is_a_gap() {
        let found = |spans: &[ReadySpan]| {
            let gaps = gaps(spans.to_vec(), at(100), at(200));
            gaps.iter().map(|gap| (gap.from.as_millis(), gap.until.as_millis())).collect::<Vec<_>>()
        };
        assert_eq!(found(&[span(50, 250)]), []);
        assert_eq!(found(&[]), [(100_000, 200_000)]);
        assert_eq!(found(&[span(90, 120), span(150, 300)]), [(120_001, 149_999)]);
        assert_eq!(found(&[span(150, 300), span(90, 170), span(0, 90)]), [], "another one was ready");
        let three = [span(110, 120), span(121, 130), span(130, 150)];
        assert_eq!(found(&three), [(100_000, 109_999), (120_001, 120_999), (150_001, 200_000)]);
    }
}
