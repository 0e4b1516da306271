//! What is known of each check, as far as its incident is concerned: a row of a team under the check's id. Whoever
//! judges checks writes the rows, and has more in them.

use serde::Deserialize;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::incident::track::OpenIncident;
use tidegate_agentping_pulse::incident::{IncidentId, Track};
use tidegate_kernel::SmolStr;
use tidegate_ports::{Meeting, RowKey, RowTable, Rows, StoreError};

use crate::document::{all_rows, read};

/// The table of checks. A row ends 400 days after the check's last result.
pub static CHECK_TRACKS: RowTable = RowTable { name: "check_tracks", keep_days: 400, meeting: Meeting::HigherRank };

/// The part of a row that is read here.
#[derive(Deserialize)]
struct Tracked {
    #[serde(default)]
    track: Track,
    #[serde(default)]
    last: Option<LastResult>,
}

/// The part of the last result that is read here.
#[derive(Deserialize)]
struct LastResult {
    /// The agent's key; absent in rows of an earlier build.
    #[serde(default)]
    agent: Option<Slug>,
}

/// Where what is known of a check is kept.
pub fn check_track_key(team: TeamId, check: &str) -> RowKey {
    RowKey { table: &CHECK_TRACKS, shard: shard(team), row: SmolStr::new(check) }
}

/// The incidents of a team's checks that are open.
///
/// # Errors
/// [`StoreError`].
pub async fn open_incidents_of_checks(rows: &dyn Rows, team: TeamId) -> Result<Vec<OpenIncident>, StoreError> {
    Ok(open_with_agents(rows, team).await?.into_iter().map(|(open, _)| open).collect())
}

/// The same, each with its agent's key. Rows of an earlier build do not say it.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn open_with_agents(
    rows: &dyn Rows,
    team: TeamId,
) -> Result<Vec<(OpenIncident, Option<Slug>)>, StoreError> {
    let open =
        |(_, Tracked { track, last }): (SmolStr, Tracked)| Some((*track.open()?, last.and_then(|last| last.agent)));
    Ok(tracks(rows, team).await?.into_iter().filter_map(open).collect())
}

/// The open incidents of these checks of a team, without those about runs of another agent than the one with this key.
/// The cost grows with the checks that are named.
///
/// # Errors
/// [`StoreError`].
pub async fn open_incidents_of_agent(
    rows: &dyn Rows,
    team: TeamId,
    agent: &Slug,
    checks: &[&str],
) -> Result<Vec<IncidentId>, StoreError> {
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<RowKey> = checks.iter().map(|check| check_track_key(team, check)).collect();
    let shard = shard(team);
    let found = rows.get(&keys).await?.into_iter().flatten();
    let open = found.filter_map(|doc| {
        let Tracked { track, last } = read(CHECK_TRACKS.name, &shard, &doc)?;
        let of_run = last.and_then(|last| last.agent);
        Some(track.open()?.id).filter(|_| of_run.is_none_or(|of_run| of_run == *agent))
    });
    Ok(open.collect())
}

/// The ids of a team's checks whose last runs failed, or whose incident is open.
///
/// # Errors
/// [`StoreError`].
pub async fn checks_in_trouble(rows: &dyn Rows, team: TeamId) -> Result<Vec<SmolStr>, StoreError> {
    let is_in_trouble = |track: &Track| track.open().is_some() || track.last_bad().is_some();
    let tracks = tracks(rows, team).await?.into_iter();
    Ok(tracks.filter(|(_, tracked)| is_in_trouble(&tracked.track)).map(|(check, _)| check).collect())
}

/// What is known of a team's checks, by their ids.
async fn tracks(rows: &dyn Rows, team: TeamId) -> Result<Vec<(SmolStr, Tracked)>, StoreError> {
    let shard = shard(team);
    let found = all_rows(rows, &CHECK_TRACKS, &shard).await?.into_iter();
    let tracked = |doc: &[u8]| read::<Tracked>(CHECK_TRACKS.name, &shard, doc);
    Ok(found.filter_map(|row| Some((row.row, tracked(&row.doc)?))).collect())
}

fn shard(team: TeamId) -> SmolStr {
    SmolStr::new(team.text().as_str())
}
