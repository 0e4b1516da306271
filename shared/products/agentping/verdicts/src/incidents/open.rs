//! Open incidents as agents' standings and checks' tracks name them. The cost grows with the agents, the checks and the
//! open incidents of a team, and not with those that are resolved.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::AlertKind;
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_kernel::{Month, SmolStr, Timestamp};
use tidegate_ports::{RowKey, Rows, StoreError};

use super::{INCIDENT_PLACES, INCIDENTS, IncidentDoc, IncidentQuery, PAGE, month_shard, name, opened_at_of, place_key};
use crate::check_tracks::{open_incidents_of_checks, open_with_agents};
use crate::document::read;
use crate::standings::StandingDoc;

/// The incidents of a team's checks that are open, by their agents' keys: standings do not name them.
///
/// # Errors
/// [`StoreError`].
pub async fn open_check_incidents(
    rows: &dyn Rows,
    team: TeamId,
) -> Result<BTreeMap<Slug, Vec<IncidentId>>, StoreError> {
    let mut by_agent: BTreeMap<Slug, Vec<IncidentId>> = BTreeMap::new();
    for (open, agent) in open_with_agents(rows, team).await? {
        let agent = match agent {
            Some(agent) => Some(agent),
            // Of a row of an earlier build its incident says it, as long as that is kept.
            None => IncidentDoc::read(rows, team, open.id).await?.map(|incident| incident.agent),
        };
        if let Some(agent) = agent {
            by_agent.entry(agent).or_default().push(open.id);
        }
    }
    Ok(by_agent)
}

/// Open incidents that the query asks for, newest first, at most `limit`. Their names are from `from` on and less than
/// `to`. One that neither a standing nor a track names is not found: no judge knows it.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn between(
    rows: &dyn Rows,
    query: &IncidentQuery,
    (from, to): (&SmolStr, &SmolStr),
    limit: usize,
) -> Result<Vec<IncidentDoc>, StoreError> {
    let named = names(rows, query).await?;
    let names: Vec<SmolStr> = named.into_iter().rev().filter(|name| from <= name && name < to).collect();
    let mut found = Vec::new();
    for names in names.chunks(PAGE) {
        let keys: Vec<RowKey> = names.iter().filter_map(|name| key(query.team, name)).collect();
        let docs = rows.get(&keys).await?.into_iter().zip(&keys);
        let docs = docs.filter_map(|(doc, place)| read::<IncidentDoc>(INCIDENTS.name, &place.shard, &doc?));
        found.extend(docs.filter(|doc| query.takes(doc)).take(limit - found.len()));
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// The names of the incidents that are open, as far as the query may ask for them.
async fn names(rows: &dyn Rows, query: &IncidentQuery) -> Result<BTreeSet<SmolStr>, StoreError> {
    let (team, agent) = (query.team, query.agent.as_ref());
    let mut all = BTreeSet::new();
    if query.kind != Some(AlertKind::CheckFailed) {
        let ids = StandingDoc::open_incidents_of(rows, team, agent).await?;
        all.extend(names_of(rows, team, &ids).await?);
    }
    if query.kind.is_none_or(|kind| kind == AlertKind::CheckFailed) {
        let open = open_incidents_of_checks(rows, team).await?;
        all.extend(open.into_iter().map(|open| name(open.opened_at, open.id)));
    }
    Ok(all)
}

/// The names of incidents by their ids. One whose rows have ended has none.
async fn names_of(rows: &dyn Rows, team: TeamId, ids: &[IncidentId]) -> Result<Vec<SmolStr>, StoreError> {
    let places: Vec<RowKey> = ids.iter().map(|id| place_key(team, *id)).collect();
    let found = rows.get(&places).await?;
    let named = |((id, place), doc): ((&IncidentId, &RowKey), Option<Vec<u8>>)| {
        let opened_at = read::<Timestamp>(INCIDENT_PLACES.name, &place.shard, &doc?)?;
        Some(name(opened_at, *id))
    };
    Ok(ids.iter().zip(&places).zip(found).filter_map(named).collect())
}

fn key(team: TeamId, name: &SmolStr) -> Option<RowKey> {
    let month = Month::of(opened_at_of(name)?);
    Some(RowKey { table: &INCIDENTS, shard: month_shard(team, month), row: name.clone() })
}
