//! What is known of each check, as far as its incident is concerned: a row of a team under the check's id. Whoever
//! judges checks writes the rows, and has more in them.

use serde::Deserialize;
use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::incident::Track;
use tidegate_agentping_pulse::incident::track::OpenIncident;
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
    Ok(tracks(rows, team).await?.iter().filter_map(|(_, track)| track.open().copied()).collect())
}

/// The ids of a team's checks whose last runs failed, or whose incident is open.
///
/// # Errors
/// [`StoreError`].
pub async fn checks_in_trouble(rows: &dyn Rows, team: TeamId) -> Result<Vec<SmolStr>, StoreError> {
    let is_in_trouble = |track: &Track| track.open().is_some() || track.last_bad().is_some();
    let tracks = tracks(rows, team).await?.into_iter();
    Ok(tracks.filter(|(_, track)| is_in_trouble(track)).map(|(check, _)| check).collect())
}

/// The tracks of a team's checks by their ids.
async fn tracks(rows: &dyn Rows, team: TeamId) -> Result<Vec<(SmolStr, Track)>, StoreError> {
    let shard = shard(team);
    let found = all_rows(rows, &CHECK_TRACKS, &shard).await?.into_iter();
    let track = |doc: &[u8]| Some(read::<Tracked>(CHECK_TRACKS.name, &shard, doc)?.track);
    Ok(found.filter_map(|row| Some((row.row, track(&row.doc)?))).collect())
}

fn shard(team: TeamId) -> SmolStr {
    SmolStr::new(team.text().as_str())
}
