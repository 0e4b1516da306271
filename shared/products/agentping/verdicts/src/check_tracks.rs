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
    let shard = shard(team);
    let found = all_rows(rows, &CHECK_TRACKS, &shard).await?;
    let tracked = found.iter().filter_map(|row| read::<Tracked>(CHECK_TRACKS.name, &shard, &row.doc));
    Ok(tracked.filter_map(|one| one.track.open().copied()).collect())
}

/// The ids of a team's checks whose last runs failed, or whose incident is open.
///
/// # Errors
/// [`StoreError`].
pub async fn checks_in_trouble(rows: &dyn Rows, team: TeamId) -> Result<Vec<SmolStr>, StoreError> {
    let shard = shard(team);
    let found = all_rows(rows, &CHECK_TRACKS, &shard).await?;
    let is_in_trouble = |doc: &[u8]| {
        let tracked = read::<Tracked>(CHECK_TRACKS.name, &shard, doc);
        tracked.is_some_and(|one| one.track.open().is_some() || one.track.last_bad().is_some())
    };
    Ok(found.into_iter().filter(|row| is_in_trouble(&row.doc)).map(|row| row.row).collect())
}

fn shard(team: TeamId) -> SmolStr {
    SmolStr::new(team.text().as_str())
}
